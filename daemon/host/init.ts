/** A new configuration, with every member a new user may want and a word on each. */
import { OWN_MARK } from './config.ts';
import { type Identity, identityToHex } from './keys.ts';

export function configText(identity: Identity): string {
  return `${OWN_MARK}, in HJSON: quotes and commas may be left out.
# Members and their meaning are those of Yggdrasil 0.5; a yggdrasil.conf works here unchanged.
# After a change: ratatosk reload
{
  # The identity of this node: its address follows from it. Keep a copy, and show it to nobody.
  PrivateKey: ${identityToHex(identity)}

  # Nodes to connect to: one or two near ones are best. Examples:
  #   tcp://192.0.2.1:9001
  #   udp://192.0.2.1:9001?key=THEIR-PUBLIC-KEY    (to another Ratatosk; better where packets are lost)
  # also tls, ws, wss, unix, socks and sockstls.
  # Public ones: https://publicpeers.neilalexander.dev
  Peers: [
  ]

  # The same, each through one network interface: { eth0: [ tcp://192.0.2.1:9001 ] }
  InterfacePeers: {}

  # Where other nodes may connect to this one. Examples: tcp://[::]:9001, udp://[::]:9001
  Listen: [
  ]

  # Public keys of the nodes that may connect here; empty means all. This is no firewall: see below.
  AllowedPublicKeys: []

  # Interfaces whose neighbours are found without being configured.
  MulticastInterfaces: [
    {
      Regex: .*
      Beacon: true
      Listen: true
      Password: ""
    }
  ]

  # The network interface of the mesh: a name, "auto", or "none" to forward for others only.
  IfName: auto
  IfMTU: 65535

  # Who may connect to this machine from the mesh: nobody ("deny") but for what Allow names, or everybody ("allow").
  # Answers and pings always pass. Rules: 22, 5353/udp, "80 from ADDRESS, SUBNET, KEY or NAME"
  Firewall: {
    Inbound: deny
    Allow: [
    ]
  }

  # The faster encryption between Ratatosks: "prefer", "require" (then plain Yggdrasils get no traffic) or "off".
  E2E: prefer

  # Your own names for other nodes: { laptop: PUBLIC-KEY-OR-ADDRESS }
  Names: {}

  # What others may read about this node.
  NodeInfoPrivacy: false
  NodeInfo: {}
}
`;
}
