import { adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { EXIT_DONE, type Verb } from './verb.ts';

export const verb: Verb = {
  usage: '[--socket PATH]',
  help: `Makes the daemon read its configuration again, as SIGHUP does. If it is wrong,
the running one stays.

${SOCKET_HELP}`,
  options: socketOption,
  words: [0, 0],
  run: async (options) => {
    const { changes } = await adminClient(options)('reload');
    process.stdout.write(changes.length === 0 ? 'Nothing has changed.\n' : `${changes.join('\n')}\n`);
    return EXIT_DONE;
  },
};
