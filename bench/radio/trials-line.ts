/** Case H: a cable with noise. */
import { joinBySerial } from '../../test/support/radio/serial-pair.ts';
import { Scene } from './scene.ts';
import type { Trial } from './trial.ts';

const BAUD = 115_200;
const OCTETS = 400_000;
const PATIENCE_MS = 600_000;

function noisy(share: number): Trial['run'] {
  return (seed) => {
    const scene = new Scene({ seed }, 2);
    const [a, b] = [scene.end(false), scene.end(false)];
    const noise = { flip: share / 3, drop: share / 3, insert: share / 3 };
    const { counts, sockets } = joinBySerial(scene.world, [a.host, b.host], { baud: BAUD, mtu: 576, noise });
    a.host.dialAt(sockets[0], b.host);
    scene.join(a, b);
    scene.measure();
    const received = scene.download(a, b, OCTETS, PATIENCE_MS);
    const seconds = scene.measuredMs / 1_000;
    return { raw: received / seconds / (BAUD / 10), delivered: received / OCTETS, wrong: counts.wrong };
  };
}

export const LINE_TRIALS: readonly Trial[] = ['1e-5', '1e-4', '1e-3'].map((share) => ({
  name: `H ${share} of octets wrong`,
  run: noisy(Number(share)),
  goals: [{ figure: 'wrong', most: 0 }],
}));
