/** What the dashboard uses of blessed beyond its published types: the cells, and the terminal's description. */
import 'blessed';

declare module 'blessed' {
  /** Folders of terminal descriptions. */
  export const tput: { ipaths: string[] };

  namespace Widgets {
    /** `[attribute, character]`; `dirty`: the line is to be compared. */
    type CellLine = [attribute: number, char: string][] & { dirty: boolean };

    interface Screen {
      lines: CellLine[];
    }
    interface IScreenOptions {
      forceUnicode?: boolean;
    }
    interface Tput {
      unicode: boolean;
      brokenACS: boolean;
    }
  }

  interface BlessedProgram {
    sigtstp(resumed: () => void): void;
    flush(): void;
  }
}
