import { adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { EXIT_DONE, textOption, usageError, type Verb } from './verb.ts';

export const verb: Verb = {
  usage: 'add|remove URI [--interface NAME] [--socket PATH]',
  help: `Connects to a node, or closes the link to it and connects no more; at once, and
until the daemon ends. To keep it, write it into Peers (ratatosk join does).

  URI             tcp://HOST:PORT, ws://HOST:PORT/PATH
  --interface IF  through this network interface only
${SOCKET_HELP}`,
  options: { ...socketOption, interface: { type: 'string' } },
  words: [2, 2],
  run: async (options, [action = '', uri = '']) => {
    if (action !== 'add' && action !== 'remove') throw usageError(`expected add or remove, found '${action}'`);
    const source = textOption(options, 'interface');
    const args = { uri, ...(source === undefined ? {} : { interface: source }) };
    await adminClient(options)(action === 'add' ? 'addPeer' : 'removePeer', args);
    process.stdout.write(
      action === 'add' ? `Connecting to ${uri}; ratatosk peers shows how it goes.\n` : `Removed ${uri}.\n`,
    );
    return EXIT_DONE;
  },
};
