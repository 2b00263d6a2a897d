/** The dashboard drawn in tests: a model from entries, keys pressed, one picture. */
import type { Canvas } from '../../tui/canvas.ts';
import { draw, pageOf } from '../../tui/draw.ts';
import { type Effect, press } from '../../tui/keys.ts';
import { Model } from '../../tui/model.ts';
import { apply, type Entry } from '../../tui/recording.ts';
import { ASCII, UNICODE } from '../../tui/theme.ts';
import { newUi, type Ui } from '../../tui/ui.ts';

export function modelOf(entries: readonly Entry[]): Model {
  const model = new Model();
  for (const entry of entries) apply(model, entry);
  return model;
}

export class TestScreen {
  readonly model: Model;
  readonly ui: Ui;
  readonly width: number;
  readonly height: number;
  readonly effects: Effect[] = [];

  constructor(model: Model, options: { width?: number; height?: number; isAscii?: boolean; isControl?: boolean } = {}) {
    this.model = model;
    this.width = options.width ?? 80;
    this.height = options.height ?? 24;
    this.ui = newUi({
      isControl: options.isControl === true,
      glyphs: options.isAscii === true ? ASCII : UNICODE,
      palette: 'none',
      offsetMinutes: 0,
    });
  }

  /** Names of keys, or single characters; as a person does, who looks at the screen after each. */
  press(...names: readonly string[]): this {
    for (const name of names) {
      const char = name.length === 1 ? name : name.startsWith('S-') ? name.slice(2).toUpperCase() : undefined;
      const effect = press(
        { model: this.model, ui: this.ui },
        name === ' ' ? 'space' : name,
        char,
        pageOf(this.height),
      );
      if (effect !== undefined) this.effects.push(effect);
      this.draw();
    }
    return this;
  }

  draw(): Canvas {
    return draw({ model: this.model, ui: this.ui }, this.width, this.height);
  }

  get text(): string {
    return this.draw().lines().join('\n');
  }

  get footer(): string {
    return this.draw().lines().at(-1) ?? '';
  }
}
