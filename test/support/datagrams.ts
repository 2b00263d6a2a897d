/** A receiver on a UNIX datagram socket, which Node does not have. */
import type { TestContext } from 'node:test';
import { python } from './places.ts';
import { Running } from './process.ts';

/** Prints each datagram that comes to a socket, in brackets. Node has no such sockets. */
const LISTEN = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind('\\0' + name[1:] if name[0] == '@' else name)
print('ready', flush=True)
while True:
    print('[' + s.recv(4096).decode() + ']', flush=True)
`;

/** Ends with the test. A name that begins with '@' is abstract. */
export async function listenDatagrams(t: TestContext, name: string): Promise<{ readonly heard: string }> {
  const receiver = new Running([python, '-c', LISTEN, name]);
  t.after(async () => void (await receiver.stop('SIGKILL')));
  await receiver.says('ready');
  return {
    get heard() {
      return receiver.stdout;
    },
  };
}
