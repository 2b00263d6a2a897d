/** Series of radios. There are as many as the operator has set up; each is named by its URI. */
import type { RadioInfo } from '../core/port.ts';
import { counter, gauge, type Row, type Series } from './snapshot.ts';

type AirClass = RadioInfo['classes'][number];

const ofRadios = (read: (radio: RadioInfo) => number | undefined): Series['rows'] => {
  return ({ radios }) =>
    radios.flatMap((radio): Row[] => {
      const value = read(radio);
      return value === undefined ? [] : [[value, { radio: radio.uri }]];
    });
};

const ofClasses = (read: (airClass: AirClass) => number): Series['rows'] => {
  return ({ radios }) =>
    radios.flatMap(({ uri, classes }) => classes.map((one): Row => [read(one), { radio: uri, class: one.airClass }]));
};

/** Each limit by its window and what it allows in it: a radio may have several of one window. */
const ofLimits = (read: (radio: RadioInfo, i: number) => number): Series['rows'] => {
  return ({ radios }) =>
    radios.flatMap((radio) =>
      radio.air.limits.map(({ windowMs }, i): Row => {
        return [read(radio, i), { radio: radio.uri, limit: String(i), window: `${windowMs / 1_000}s` }];
      }),
    );
};

export const RADIO_SERIES: readonly Series[] = [
  counter(
    'ratatosk_radio_air_seconds_total',
    'Time on the air since the radio is open, by class of traffic',
    ofClasses(({ sentMs }) => sentMs / 1_000),
    'radio',
    'class',
  ),
  gauge(
    'ratatosk_radio_queued_bytes',
    'Octets that wait for the air, by class of traffic',
    ofClasses(({ queuedBytes }) => queuedBytes),
    'radio',
    'class',
  ),
  counter(
    'ratatosk_radio_refused_packets_total',
    'Packets refused because they would have waited too long for the air',
    ofClasses(({ refused }) => refused),
    'radio',
    'class',
  ),
  gauge(
    'ratatosk_radio_limit_used_seconds',
    'Time on the air that counts against a limit',
    ofLimits(({ limits }, i) => (limits[i]?.usedMs ?? 0) / 1_000),
    'radio',
    'limit',
    'window',
  ),
  gauge(
    'ratatosk_radio_limit_seconds',
    'Time on the air that a limit allows in its window',
    ofLimits(({ air }, i) => (air.limits[i]?.airMs ?? 0) / 1_000),
    'radio',
    'limit',
    'window',
  ),
  gauge(
    'ratatosk_radio_rssi_dbm',
    'Strength of what was heard last',
    ofRadios(({ report }) => report.rssi),
    'radio',
  ),
  gauge(
    'ratatosk_radio_snr_db',
    'Signal to noise of what was heard last',
    ofRadios(({ report }) => report.snr),
    'radio',
  ),
  gauge(
    'ratatosk_radio_channel_load_ratio',
    'Share of the time in which the channel is busy',
    ofRadios(({ report }) => report.channelLoad),
    'radio',
  ),
];
