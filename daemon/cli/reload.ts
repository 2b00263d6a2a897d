import { adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { EXIT_DONE, type Verb } from './verb.ts';

export const verb: Verb = {
  usage: '[--json] [--socket PATH]',
  help: `Makes the daemon read its configuration again, as SIGHUP does. If it is wrong,
the running one stays.

  --json          the changes as JSON
${SOCKET_HELP}`,
  options: { ...socketOption, json: { type: 'boolean' } },
  words: [0, 0],
  run: async (options) => {
    const { changes } = await adminClient(options)('reload');
    if (options.json === true) process.stdout.write(`${JSON.stringify({ changes }, undefined, 2)}\n`);
    else process.stdout.write(changes.length === 0 ? 'Nothing has changed.\n' : `${changes.join('\n')}\n`);
    return EXIT_DONE;
  },
};
