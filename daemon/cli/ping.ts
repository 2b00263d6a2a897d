import type { PingAnswer } from '../host/answers.ts';
import { type Ask, adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { roundTripText } from './text.ts';
import { EXIT_DONE, EXIT_FAILED, secondsOption, type Verb, wholeOption } from './verb.ts';

export const verb: Verb = {
  usage: 'TARGET [-c COUNT] [--json] [--socket PATH]',
  help: `Sends echo requests from the daemon itself, so it works without a TUN interface.
Ends with exit code 1 if nothing was answered.

  TARGET          an address, a public key, or a name from Names
  -c, --count N   how many (default: until Ctrl-C; with --json 4)
  -s, --size N    octets in each, 0 to 1200 (default: 56)
  -i, --interval S  seconds between two (default: 1)
  -W, --timeout S seconds to wait for an answer (default: 5)
  --json          one JSON value at the end
${SOCKET_HELP}`,
  options: {
    ...socketOption,
    count: { type: 'string', short: 'c' },
    size: { type: 'string', short: 's' },
    interval: { type: 'string', short: 'i' },
    timeout: { type: 'string', short: 'W' },
    json: { type: 'boolean' },
  },
  words: [1, 1],
  hasTarget: true,
  run: async (options, [target = '']) => {
    const isJson = options.json === true;
    const plan: Plan = {
      target,
      count: wholeOption(options, 'count', 1, 1e9) ?? (isJson ? 4 : Number.POSITIVE_INFINITY),
      size: wholeOption(options, 'size', 0, 1200) ?? 56,
      intervalMs: secondsOption(options, 'interval', 0.1, 3600) ?? 1000,
      timeoutMs: secondsOption(options, 'timeout', 0.1, 30) ?? 5000,
    };
    const results = new Results();
    const finish = (): number => {
      process.stdout.write(isJson ? `${JSON.stringify(results.json(), undefined, 2)}\n` : results.text());
      return results.answered > 0 ? EXIT_DONE : EXIT_FAILED;
    };
    process.on('SIGINT', () => process.exit(finish()));
    await pingAll(
      adminClient(options),
      plan,
      results,
      isJson ? () => undefined : (line) => process.stdout.write(`${line}\n`),
    );
    return finish();
  },
};

type Plan = { target: string; count: number; size: number; intervalMs: number; timeoutMs: number };

async function pingAll(ask: Ask, plan: Plan, results: Results, say: (line: string) => void): Promise<void> {
  const { target, size, timeoutMs, intervalMs } = plan;
  for (let sequence = 1; sequence <= plan.count; sequence++) {
    const startMs = performance.now();
    const args = { target, sequence: String(sequence & 0xffff), size: String(size), timeout: String(timeoutMs) };
    const answer = await ask('ping', args);
    if (sequence === 1) say(`PING ${answer.address}${answer.address === target ? '' : ` (${target})`}: ${size} octets`);
    results.add(answer);
    const { address, latency } = answer;
    if (latency === undefined) say(`no answer from ${address}: seq=${sequence}`);
    else say(`${size + 8} octets from ${address}: seq=${sequence} time=${roundTripText(latency)}`);
    const restMs = intervalMs - (performance.now() - startMs);
    if (sequence < plan.count && restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
  }
}

class Results {
  #address = '';
  #sent = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = 0;
  #sum = 0;
  answered = 0;

  add({ address, latency }: PingAnswer): void {
    this.#address = address;
    this.#sent++;
    if (latency === undefined) return;
    this.answered++;
    this.#sum += latency;
    this.#least = Math.min(this.#least, latency);
    this.#most = Math.max(this.#most, latency);
  }

  json(): Record<string, unknown> {
    const { answered } = this;
    const base = { address: this.#address, sent: this.#sent, answered };
    return answered === 0
      ? base
      : { ...base, min: this.#least, avg: Math.round(this.#sum / answered), max: this.#most };
  }

  text(): string {
    if (this.#sent === 0) return '';
    const lost = Math.round((100 * (this.#sent - this.answered)) / this.#sent);
    const lines = [`--- ${this.#address} ---`, `${this.#sent} sent, ${this.answered} answered, ${lost} % lost`];
    const trips = [this.#least, this.#sum / this.answered, this.#most].map((ns) => (ns / 1e6).toFixed(2)).join('/');
    if (this.answered > 0) lines.push(`round trip min/avg/max = ${trips} ms`);
    return `${lines.join('\n')}\n`;
  }
}
