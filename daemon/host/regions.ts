/**
 * What the law of a region lets a radio without a licence do, as data: each row with where it is written. Laws change and have more
 * clauses than a table: whoever transmits is responsible. Powers are what the modem gives to an antenna like a dipole (2 dBi).
 */
import type { AirLimit } from '../core/port.ts';

const HOUR_MS = 3_600_000;
const ANY = Number.POSITIVE_INFINITY;

export const REGIONS = [
  'none',
  'EU868',
  'EU433',
  'US915',
  'AU915',
  'AS923',
  'JP920',
  'KR920',
  'IN865',
  'laboratory',
] as const;

export type Region = (typeof REGIONS)[number];

type Band = {
  readonly fromMHz: number;
  readonly toMHz: number;
  readonly bandwidthHz: { readonly least: number; readonly most: number };
  readonly powerDbm: number;
  readonly limits: readonly AirLimit[];
  /** The modem must listen before it sends. */
  readonly mustListen: boolean;
  readonly source: string;
};

const duty = (share: number, frameMs = ANY): AirLimit => ({ windowMs: HOUR_MS, airMs: HOUR_MS * share, frameMs });
/** A limit of single transmissions alone. */
const dwell = (frameMs: number): AirLimit => ({ windowMs: HOUR_MS, airMs: HOUR_MS, frameMs });

function band(
  fromMHz: number,
  toMHz: number,
  powerDbm: number,
  source: string,
  limits: readonly AirLimit[] = [],
): Band {
  return { fromMHz, toMHz, bandwidthHz: { least: 0, most: ANY }, powerDbm, limits, mustListen: false, source };
}

const SRD = 'ERC Recommendation 70-03, annex 1; EN 300 220-2, annex B';
const T108 = 'ARIB STD-T108: 400 ms a transmission, 360 s an hour';
const RP002 = 'LoRa Alliance RP002, AS923: 16 dBm EIRP, 1 % and 400 ms, whichever a country asks for';
const KOREA = 'LoRa Alliance RP002, KR920: listen before talk at -65 dBm, 4 s a transmission';

/** A bandwidth that is wide by the rules for digital modulation, which single channels need. */
const wide = (row: Band): Band => ({ ...row, bandwidthHz: { least: 500_000, most: ANY } });
const listening = (row: Band): Band => ({ ...row, mustListen: true });

/** Of bands that overlap the first that allows the power counts: the one with the looser limit comes first. */
const BANDS: Readonly<Record<Exclude<Region, 'none' | 'laboratory'>, readonly Band[]>> = {
  EU868: [
    band(863, 865, 14, `${SRD}: 25 mW ERP, 0.1 %`, [duty(0.001)]),
    band(865, 868, 14, `${SRD}: 25 mW ERP, 1 %`, [duty(0.01)]),
    band(868, 868.6, 14, `${SRD}: 25 mW ERP, 1 %`, [duty(0.01)]),
    band(868.7, 869.2, 14, `${SRD}: 25 mW ERP, 0.1 %`, [duty(0.001)]),
    band(869.4, 869.65, 27, `${SRD}: 500 mW ERP, 10 %`, [duty(0.1)]),
    band(869.7, 870, 7, `${SRD}: 5 mW ERP, no duty cycle`),
    band(869.7, 870, 14, `${SRD}: 25 mW ERP, 1 %`, [duty(0.01)]),
  ],
  EU433: [band(433.05, 434.79, 10, `${SRD}: 10 mW ERP, 10 %`, [duty(0.1)])],
  US915: [
    wide(band(902, 928, 30, '47 CFR 15.247 (a)(2), (b)(3): digital modulation, 6 dB bandwidth from 500 kHz, 1 W')),
  ],
  AU915: [wide(band(915, 928, 28, 'Australia: LIPD Class Licence, digital modulation; New Zealand: GURL, 1 W EIRP'))],
  AS923: [band(920, 925, 14, RP002, [duty(0.01, 400)])],
  JP920: [listening(band(920.5, 923.5, 13, T108, [duty(0.1, 400)]))],
  KR920: [
    listening(band(920.8, 922, 8, KOREA, [dwell(4_000)])),
    listening(band(922, 923.4, 12, KOREA, [dwell(4_000)])),
  ],
  IN865: [
    { ...band(865, 867, 30, 'India: G.S.R. 564(E), 1 W, 4 W ERP, 200 kHz'), bandwidthHz: { least: 0, most: 200_000 } },
  ],
};

/** What a transmitter wants to do. Undefined: nobody has said. */
export type Emission = {
  readonly frequencyHz: number | undefined;
  readonly bandwidthHz: number | undefined;
  readonly powerDbm: number | undefined;
  /** The modem listens before it sends. */
  readonly listens: boolean;
};

/** The limits that hold, and the band that they are counted in; or why it must not transmit, in one line with a remedy. */
export type RegionRules =
  | { readonly kind: 'allowed'; readonly limits: readonly AirLimit[]; readonly band: string }
  | { readonly kind: 'refused'; readonly reason: string };

export function regionRules(region: Region, emission: Emission): RegionRules {
  if (region === 'none') return refused(`no region is set: add Radio: { Region: "EU868" }, or yours of ${named()}`);
  if (region === 'laboratory') return { kind: 'allowed', limits: [], band: 'laboratory' };
  const bands = BANDS[region];
  const { frequencyHz, bandwidthHz = 0, powerDbm, listens } = emission;
  if (frequencyHz === undefined) {
    return refused(
      `what ${region} allows depends on the frequency: add freq= and MHz to its URI (${bandTexts(bands)})`,
    );
  }
  const lowHz = frequencyHz - bandwidthHz / 2;
  const highHz = frequencyHz + bandwidthHz / 2;
  const inside = bands.filter(({ fromMHz, toMHz }) => lowHz >= fromMHz * 1e6 && highHz <= toMHz * 1e6);
  const where = `${frequencyHz / 1e6} MHz${bandwidthHz === 0 ? '' : `, ${bandwidthHz / 1e3} kHz wide`}`;
  if (inside.length === 0) return refused(`${where}: in no band of ${region}, which has ${bandTexts(bands)}`);
  const fits = inside.filter((row) => bandwidthHz === 0 || isWithin(bandwidthHz, row));
  if (fits.length === 0) {
    const { least, most } = (inside[0] as Band).bandwidthHz;
    const expected = least > 0 ? `at least ${least / 1e3}` : `at most ${most / 1e3}`;
    return refused(`${where}: ${region} allows a single channel ${expected} kHz wide there: set bw=`);
  }
  if (!listens && fits.every(({ mustListen }) => mustListen)) {
    return refused(`${region} wants modems that listen before they send; this one is not known to do so`);
  }
  const row = fits.find((each) => powerDbm === undefined || powerDbm <= each.powerDbm);
  if (row === undefined) {
    const most = Math.max(...fits.map((each) => each.powerDbm));
    return refused(`${powerDbm} dBm: ${region} allows ${most} dBm at ${frequencyHz / 1e6} MHz: set power=`);
  }
  return { kind: 'allowed', limits: row.limits, band: `${region} ${row.fromMHz}-${row.toMHz} MHz` };
}

/** Where each number comes from, for whoever wants to check. */
export function regionSources(region: Region): readonly string[] {
  if (region === 'none' || region === 'laboratory') return [];
  return BANDS[region].map((row) => `${bandText(row)}: ${row.source}`);
}

function isWithin(hz: number, { bandwidthHz }: Band): boolean {
  return hz >= bandwidthHz.least && hz <= bandwidthHz.most;
}

function bandTexts(bands: readonly Band[]): string {
  return bands.map(bandText).join('; ');
}

function bandText({ fromMHz, toMHz, powerDbm, limits }: Band): string {
  const limit = limits.map(limitText).join(', ');
  return `${fromMHz} to ${toMHz} MHz (${powerDbm} dBm${limit === '' ? '' : `, ${limit}`})`;
}

function limitText({ windowMs, airMs, frameMs }: AirLimit): string {
  const share = airMs < windowMs ? [`${Number(((100 * airMs) / windowMs).toPrecision(3))} %`] : [];
  return [...share, ...(frameMs < ANY ? [`${frameMs} ms a frame`] : [])].join(', ');
}

function refused(reason: string): RegionRules {
  return { kind: 'refused', reason };
}

function named(): string {
  return REGIONS.filter((name) => name !== 'none').join(', ');
}
