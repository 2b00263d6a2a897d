/** Both ciphers, sealing and opening in batches, by every implementation that is here. */
import { bench, group, summary } from 'mitata';
import { boxJobs, JOBS, recordJobs, sealedBoxes, sealedRecords } from '../../daemon/cli/ceiling/cipher-jobs.ts';
import { SIZES } from '../../daemon/cli/ceiling/sizes.ts';
import type { Crypto } from '../../daemon/core/port.ts';
import { nodeAead } from '../../daemon/crypto/node-aead.ts';
import { portableBox } from '../../daemon/crypto/portable.ts';
import { portableAead } from '../../daemon/crypto/portable-aead.ts';

export function ciphers(crypto: Crypto): void {
  for (const size of SIZES) {
    group(`boxes of ${size} octets, ${JOBS} at once`, () => {
      summary(() => {
        for (const implementation of [crypto.box, portableBox]) {
          const jobs = boxJobs(size);
          implementation.seal(jobs);
          bench(`seal, ${implementation.name}`, () => implementation.seal(jobs));
          const open = sealedBoxes(implementation, size);
          bench(`open, ${implementation.name}`, () => implementation.open(open));
        }
      });
    });
  }
  for (const size of SIZES) {
    group(`records of ${size} octets, ${JOBS} at once, in place`, () => {
      summary(() => {
        for (const implementation of [crypto.aead, nodeAead, portableAead]) {
          const seal = recordJobs(size);
          const open = sealedRecords(implementation, size);
          bench(`seal, ${implementation.name}`, () => implementation.seal(seal));
          bench(`open, ${implementation.name}`, () => implementation.open(open));
        }
      });
    });
  }
}
