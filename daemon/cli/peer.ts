import { shownUri } from '../links/uri.ts';
import { adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { EXIT_DONE, textOption, type Verb } from './verb.ts';

export const verb: Verb = {
  usage: 'add|remove URI [--interface NAME] [--json] [--socket PATH]',
  help: `Connects to a node, or closes the link to it and connects no more; at once, and
until the daemon ends. To keep it, write it into Peers (ratatosk join does).

  URI             tcp://HOST:PORT, ws://HOST:PORT/PATH
  --interface IF  through this network interface only
  --json          what was done as JSON
${SOCKET_HELP}`,
  options: { ...socketOption, interface: { type: 'string' }, json: { type: 'boolean' } },
  words: [2, 2],
  actions: ['add', 'remove'],
  run: async (options, [action = '', uri = '']) => {
    const source = textOption(options, 'interface');
    const args = { uri, ...(source === undefined ? {} : { interface: source }) };
    await adminClient(options)(action === 'add' ? 'addPeer' : 'removePeer', args);
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ action, ...args, uri: shownUri(uri) }, undefined, 2)}\n`);
      return EXIT_DONE;
    }
    process.stdout.write(
      action === 'add'
        ? `Connecting to ${shownUri(uri)}; ratatosk peers shows how it goes.\n`
        : `Removed ${shownUri(uri)}.\n`,
    );
    return EXIT_DONE;
  },
};
