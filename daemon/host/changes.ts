/** What a subscriber has been told of a table or value, and so what a new look has to tell: changes alone. */
import type { Push, RowId, TablePush, ValuePush } from './answers.ts';
import type { SharedLook } from './shared-look.ts';

/** Two rows of an id, or two values, with the same mark are the same to a reader. `unixMs` is the time of the look. */
export type TableLook<Row> = {
  readonly unixMs: number;
  readonly rows: readonly { readonly row: Row & RowId; readonly mark: string }[];
  readonly total: number;
};
export type ValueLook<Value> = { readonly unixMs: number; readonly value: Value; readonly mark: string };

export type Follower = {
  /** In parts, so that none waits for long where others wait as well. */
  changes(maxAgeMs: number): Promise<Push[]>;
  end(): void;
};

/** Begins with nothing told; at most so many rows. */
export type Follow = (most: number) => Follower;

const PART_ROWS = 100;

export type TablePart<Row> = Omit<TablePush<string, Row>, 'topic'>;

export function followTable<Row>(shared: SharedLook<TableLook<Row>>, pushOf: (part: TablePart<Row>) => Push): Follow {
  return (most) => {
    const end = shared.want(most);
    const told = new Map<string, string>();
    let toldTotal = -1;
    const changes = async (maxAgeMs: number): Promise<Push[]> => {
      const { unixMs, rows, total } = await shared.at(maxAgeMs);
      const shown = rows.slice(0, most);
      const ids = new Set(shown.map(({ row }) => row.id));
      const gone = [...told.keys()].filter((id) => !ids.has(id));
      const changed = shown.filter(({ row, mark }) => told.get(row.id) !== mark);
      if (gone.length === 0 && changed.length === 0 && total === toldTotal) return [];
      for (const id of gone) told.delete(id);
      for (const { row, mark } of changed) told.set(row.id, mark);
      toldTotal = total;
      const pushes: Push[] = [];
      for (let at = 0; at === 0 || at < changed.length; at += PART_ROWS) {
        const part = changed.slice(at, at + PART_ROWS).map(({ row }) => row);
        pushes.push(pushOf({ time: unixMs / 1_000, rows: part, gone: at === 0 ? gone : [], total }));
      }
      return pushes;
    };
    return { changes, end };
  };
}

export function followValue<Value>(
  shared: SharedLook<ValueLook<Value>>,
  pushOf: (push: Omit<ValuePush<string, Value>, 'topic'>) => Push,
): Follow {
  return () => {
    const end = shared.want(0);
    let told: string | undefined;
    const changes = async (maxAgeMs: number): Promise<Push[]> => {
      const { unixMs, value, mark } = await shared.at(maxAgeMs);
      if (mark === told) return [];
      told = mark;
      return [pushOf({ time: unixMs / 1_000, value })];
    };
    return { changes, end };
  };
}
