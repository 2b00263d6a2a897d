/** What others chose reaches a terminal only as plain cells. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Canvas, cut, widthOf, wrap } from '../../tui/canvas.ts';
import { ceilingOf, drawArea, drawLine, gaugeText } from '../../tui/chart.ts';
import { ageText, latencyText, rateText, sizeText } from '../../tui/figures.ts';
import { overviewText, stateJson } from '../../tui/once.ts';
import { ASCII, UNICODE } from '../../tui/theme.ts';
import { modelOf, TestScreen } from '../support/top-screen.ts';
import { sessionEntries } from '../support/top-session.ts';

/** C0, C1, bidirectional marks, halves of pairs, marks that combine. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{M}\u2028\u2029]/u;
const EVIL = '\u001b[31m\u009b2J{bold}\u202eevil\u0007\r\n\ud83d\ude00e\u0301{/}%\u2066';

test('no text puts a control character on the screen', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 });
  fc.assert(
    fc.property(text, fc.integer({ min: -3, max: 30 }), (evil, x) => {
      const canvas = new Canvas(20, 2);
      canvas.put(x, 0, evil);
      canvas.put(0, 1, evil + EVIL);
      for (const line of canvas.lines()) assert.doesNotMatch(line, FORBIDDEN);
    }),
    { numRuns: 2_000 },
  );
});

test('names, errors and event texts of others do no harm in any view, nor in what --once prints', () => {
  const entries = JSON.parse(JSON.stringify(sessionEntries()), (name, value) =>
    typeof value === 'string' && !['topic', 'id', 'key', 'parent', 'kind'].includes(name) ? value + EVIL : value,
  );
  const model = modelOf(entries);
  for (const view of '01234567') {
    const screen = new TestScreen(model, { width: 120, height: 40 }).press(view);
    for (const keys of [[], ['enter'], ['escape', 'S-p'], ['?']]) {
      for (const line of screen
        .press(...keys)
        .draw()
        .lines())
        assert.doesNotMatch(line, FORBIDDEN);
    }
  }
  const looks = { isControl: false, glyphs: UNICODE, palette: 'none', offsetMinutes: 0 } as const;
  assert.doesNotMatch(overviewText(model, looks, 80).replaceAll('\n', ''), FORBIDDEN);
  assert.doesNotMatch(stateJson(model).replaceAll('\n', ''), /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
});

test('tags of blessed stay text', () => {
  const canvas = new Canvas(30, 1);
  canvas.put(0, 0, '{red-fg}x{/red-fg}');
  assert.equal(canvas.lines()[0], '{red-fg}x{/red-fg}');
});

test('wide characters take two columns and are never halved', () => {
  const canvas = new Canvas(5, 1);
  assert.equal(canvas.put(0, 0, '世界x'), 5);
  assert.equal(canvas.lines()[0], '世界x');
  const narrow = new Canvas(3, 1);
  narrow.put(0, 0, '世界');
  assert.equal(narrow.lines()[0], '世…');
  assert.equal(widthOf('世界x'), 5);
  assert.equal(cut('世界世界', 5), '世界…');
});

test('what does not fit ends in a mark, in ASCII too', () => {
  const canvas = new Canvas(6, 1, true);
  canvas.put(0, 0, 'abcdefghij');
  assert.equal(canvas.lines()[0], 'abcde~');
  canvas.put(0, 0, 'größe ');
  assert.equal(canvas.lines()[0], 'gr??e');
});

test('long texts are wrapped without loss', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', ' ') }), fc.integer({ min: 1, max: 20 }), (text, width) => {
      const lines = wrap(text, width);
      assert.ok(lines.every((line) => line.length <= width));
      assert.equal(lines.join('').replaceAll(' ', ''), text.replaceAll(' ', ''));
    }),
  );
});

test('a chart shows what is more than nothing, and nothing for nothing', () => {
  const canvas = new Canvas(4, 2);
  const values = Float32Array.from([Number.NaN, 0, 0.1, 25, 50, 75, 100, 1_000]);
  drawArea(canvas, { x: 0, y: 0, width: 4, height: 2 }, values, 100, 'in', UNICODE);
  assert.deepEqual(canvas.lines(), ['  ⢠⣿', ' ⣠⣿⣿']);
  const line = new Canvas(2, 1);
  drawLine(line, { x: 0, y: 0, width: 2, height: 1 }, Float32Array.from([0, 100, 100, 0]), 100, 'time', UNICODE);
  assert.deepEqual(line.lines(), ['⡸⢱']);
  const ascii = new Canvas(4, 1);
  drawArea(ascii, { x: 0, y: 0, width: 4, height: 1 }, Float32Array.from([0, 30, 60, 100]), 100, 'in', ASCII);
  assert.deepEqual(ascii.lines(), [' .:|']);
});

test('charts stay in their box whatever they show', () => {
  fc.assert(
    fc.property(
      fc.float32Array({ maxLength: 40 }),
      fc.integer({ min: 0, max: 9 }),
      fc.boolean(),
      (values, width, isHanging) => {
        const canvas = new Canvas(12, 5);
        drawArea(canvas, { x: 1, y: 1, width, height: 3 }, values, 10, 'in', UNICODE, isHanging);
        drawLine(canvas, { x: 1, y: 1, width, height: 3 }, values.map(Math.abs), 10, 'in', UNICODE);
        const lines = canvas.lines();
        assert.deepEqual([lines[0], lines[4]], ['', '']);
        assert.ok(lines.every((line) => line.length <= width + 1));
      },
    ),
  );
});

test('the top of a chart is a round number not below its largest value', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1e12, noNaN: true })),
      fc.constantFrom<1_000 | 1_024>(1_000, 1_024),
      (values, base) => {
        const top = ceilingOf(values, 1, base);
        assert.ok(values.every((value) => value <= top) && top >= 1);
      },
    ),
  );
  assert.equal(ceilingOf([1_100], 1), 1_500);
  assert.equal(ceilingOf([4 * 1024 * 1024], 1, 1_024), 5 * 1024 * 1024);
});

test('gauges show a little for a little', () => {
  assert.equal(gaugeText(0, 4, ASCII), '....');
  assert.equal(gaugeText(0.001, 4, ASCII), '#...');
  assert.equal(gaugeText(7, 4, ASCII), '####');
});

test('figures keep their columns', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e15, noNaN: true }), (value) => {
      assert.ok(sizeText(value).length <= 4, sizeText(value));
      assert.ok(rateText(value).length <= 9, rateText(value));
      assert.ok(latencyText(value / 1e10).length <= 8);
      assert.ok(ageText(value / 1e7).length <= 9);
    }),
  );
  assert.deepEqual([0, 27, 1_126, 1e6, 3.4e8].map(sizeText), ['0', '27B', '1.1K', '977K', '324M']);
  assert.deepEqual(
    [7, 725, 3_700, 273_600].map((s) => ageText(s)),
    ['7s', '12m 05s', '1h 01m', '3d 04h'],
  );
  assert.deepEqual(
    [0.42, 12.34, 340, 12_000].map((ms) => latencyText(ms)),
    ['0.42 ms', '12.3 ms', '340 ms', '12.0 s'],
  );
});
