{
  'variables': {
    # build.mjs gives both; the defaults make a bare `node-gyp rebuild` work from the repository.
    'node_addon_api_dir%': '<(module_root_dir)/../node_modules/node-addon-api',
    'sanitize%': 0,
    'strict%': 0,
  },
  'target_defaults': {
    'cflags': ['-Wall', '-Wextra', '-fstack-protector-strong', '-fvisibility=hidden', '-fPIC'],
    'cflags!': ['-O3', '-Wno-unused-parameter'],
    'cflags_cc!': ['-fno-rtti', '-std=gnu++17', '-std=gnu++20', '-O3'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions'],
    'configurations': {
      'Release': {
        'cflags!': ['-O3'],
        # The checks of the sanitizers make the kernels so long that -O2 takes three times as long over them.
        'conditions': [['sanitize==1', {'cflags': ['-O1']}, {'cflags': ['-O2']}]],
      },
    },
    'conditions': [
      ['strict==1', {'cflags': ['-Werror']}],
      ['sanitize==1', {
        'cflags': ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer', '-g'],
        'ldflags': ['-fsanitize=address,undefined'],
      }, {
        # The sanitizers' own checks of memory functions need plain calls.
        'cflags': ['-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2'],
      }],
    ],
  },
  # One source, one target for each width of vector registers: only the compiler flags differ.
  'targets': [
    {
      'target_name': 'kernel_base',
      'type': 'static_library',
      'sources': ['src/kernel_base.cc'],
    },
    {
      'target_name': 'ratatosk',
      'sources': [
        'src/addon.cc',
        'src/aead.cc',
        'src/aead_call.cc',
        'src/arguments.cc',
        'src/batch.cc',
        'src/box_call.cc',
        'src/checksum.cc',
        'src/evp.cc',
        'src/hmac.cc',
        'src/hmac_call.cc',
        'src/kernel.cc',
        'src/mask_call.cc',
        'src/netlink.cc',
        'src/netlink_call.cc',
        'src/network_watch.cc',
        'src/readable.cc',
        'src/segments.cc',
        'src/segments_call.cc',
        'src/stream_socket.cc',
        'src/tun.cc',
        'src/tun_device.cc',
        'src/udp.cc',
        'src/udp_socket.cc',
        'src/unix_datagram.cc',
      ],
      'include_dirs': ['<(node_addon_api_dir)'],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
      'ldflags': ['-Wl,-z,relro,-z,now'],
      'dependencies': ['kernel_base'],
      'conditions': [
        ['target_arch=="x64"', {'dependencies': ['kernel_avx2', 'kernel_avx512']}],
      ],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'kernel_avx2',
          'type': 'static_library',
          'sources': ['src/kernel_avx2.cc'],
          'cflags': ['-mavx2'],
        },
        {
          'target_name': 'kernel_avx512',
          'type': 'static_library',
          'sources': ['src/kernel_avx512.cc'],
          'cflags': ['-mavx512f', '-mavx512vl', '-mprefer-vector-width=512'],
        },
      ],
    }],
  ],
}
