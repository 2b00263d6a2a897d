/**
 * Runs in a namespace: `gate-tool SOCKET ADDRESS PORT` leads each connection to a UNIX socket on to a TCP port there, so
 * that a test outside of the namespace can talk to a daemon inside.
 */
import { connect, createServer, type Socket } from 'node:net';

const [path = '', host = '', port = ''] = process.argv.slice(2);

createServer((outside) => {
  const inside = connect({ host, port: Number(port), noDelay: true });
  join(outside, inside);
  join(inside, outside);
}).listen(path, () => process.stdout.write('ready\n'));

/** A reset arrives at the other end as an end: either means that the daemon has closed. */
function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
}
