export class Gate {
  admit(_host: string, _nowMs: number): string | undefined { return undefined; }
  settled(_host: string): void {}
  gone(_host: string): void {}
}
