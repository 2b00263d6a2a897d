/** QR codes as a phone would read them: by another implementation, from what was printed. */
import { spawnSync } from 'node:child_process';
import { python, supportFile } from './places.ts';
import { mustRun } from './process.ts';

export function needsQrReader(): string | undefined {
  const { status } = spawnSync(python, ['-c', 'import zbar'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'needs python3-zbar, to read QR codes';
}

/** The text of the code among the printed lines. */
export async function readQr(printed: string): Promise<string> {
  return (await mustRun([python, supportFile('qr.py')], { input: printed })).trim();
}
