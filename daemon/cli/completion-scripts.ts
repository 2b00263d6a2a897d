/**
 * Completion for shells, written out from what the verbs say of themselves. All is in the script, so that a key stroke waits for
 * nothing; only targets are asked for, since they change: `ratatosk completion targets`.
 */

export type OptionFacts = {
  readonly name: string;
  readonly short: string | undefined;
  readonly isValued: boolean;
  /** Its value names a file. */
  readonly isFile: boolean;
  readonly says: string;
};

export type VerbFacts = {
  readonly name: string;
  readonly says: string;
  readonly options: readonly OptionFacts[];
  /** What its first word may be, where it is one of a few. */
  readonly actions: readonly string[];
  readonly hasTarget: boolean;
};

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, verbs: readonly VerbFacts[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](verbs);
}

function bashScript(verbs: readonly VerbFacts[]): string {
  const flags = (verb: VerbFacts, which: (option: OptionFacts) => boolean): string => {
    return verb.options
      .filter(which)
      .flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])])
      .join(' ');
  };
  const cases = verbs.map((verb) => {
    const parts = [
      `options='${flags(verb, () => true)}'`,
      `valued='${flags(verb, ({ isValued }) => isValued)}'`,
      `files='${flags(verb, ({ isFile }) => isFile)}'`,
      `actions='${verb.actions.join(' ')}'`,
      `target=${verb.hasTarget ? 1 : ''}`,
    ];
    return `    ${verb.name}) ${parts.join(' ')} ;;`;
  });
  return `# Completion of ratatosk for bash: source <(ratatosk completion bash)
_ratatosk() {
  local line=\${COMP_LINE:0:COMP_POINT} cur= verb prev plain=0 i
  local options= valued= files= actions= target=
  local -a given=()
  read -ra given <<<"$line"
  if [[ $line != *[[:space:]] ]]; then
    cur=\${given[-1]}
    unset 'given[-1]'
  fi
  COMPREPLY=()
  if (( \${#given[@]} < 2 )); then
    COMPREPLY=($(compgen -W '${verbs.map(({ name }) => name).join(' ')} help' -- "$cur"))
    return
  fi
  verb=\${given[1]}
  prev=\${given[-1]}
  case $verb in
${cases.join('\n')}
    *) return ;;
  esac
  if [[ " $files " == *" $prev "* ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    return
  fi
  [[ " $valued " == *" $prev "* ]] && return
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    return
  fi
  for (( i = 2; i < \${#given[@]}; i++ )); do
    [[ \${given[i]} == -* || " $valued " == *" \${given[i-1]} "* ]] || plain=$((plain + 1))
  done
  (( plain > 0 )) && return
  [[ -n $target ]] && actions=$("\${given[0]}" completion targets 2>/dev/null)
  COMPREPLY=($(compgen -W "$actions" -- "$cur"))
  # Readline begins a new word behind a colon, and addresses are full of them.
  local head=\${cur%"\${cur##*:}"}
  COMPREPLY=("\${COMPREPLY[@]#"$head"}")
}
complete -F _ratatosk ratatosk
`;
}

function zshScript(verbs: readonly VerbFacts[]): string {
  const cases = verbs.map((verb) => {
    const specs = verb.options.flatMap((option) => {
      const names = [`--${option.name}`, ...(option.short === undefined ? [] : [`-${option.short}`])];
      const value = option.isValued ? `:value:${option.isFile ? '_files' : ' '}` : '';
      return names.map((name) => quoted(`${name}[${option.says.replace(/[[\]:\\]/g, '\\$&')}]${value}`));
    });
    if (verb.actions.length > 0) specs.push(quoted(`1:action:(${verb.actions.join(' ')})`));
    else if (verb.hasTarget) specs.push(quoted('1:target:_ratatosk_targets'));
    return `    ${verb.name}) _arguments ${specs.join(' ')} ;;`;
  });
  const rows = verbs.map(({ name, says }) => `    ${quoted(`${name}:${says.replaceAll(':', '\\:')}`)}`);
  return `#compdef ratatosk
# Completion of ratatosk for zsh: source <(ratatosk completion zsh), or as a file _ratatosk in a folder of $fpath
_ratatosk_targets() {
  local -a targets
  targets=(\${(f)"$(_call_program targets ratatosk completion targets)"})
  compadd -a targets
}
_ratatosk() {
  local -a verbs
  verbs=(
${rows.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _ratatosk ]]; then _ratatosk "$@"; else compdef _ratatosk ratatosk; fi
`;
}

function fishScript(verbs: readonly VerbFacts[]): string {
  const lines = ['# Completion of ratatosk for fish: ratatosk completion fish | source', 'complete -c ratatosk -f'];
  for (const { name, says } of verbs) {
    lines.push(`complete -c ratatosk -n __fish_use_subcommand -a ${name} -d ${fishQuoted(says)}`);
  }
  for (const { name, options, actions, hasTarget } of verbs) {
    const head = `complete -c ratatosk -n '__fish_seen_subcommand_from ${name}'`;
    for (const option of options) {
      const short = option.short === undefined ? '' : ` -s ${option.short}`;
      const value = option.isValued ? (option.isFile ? ' -rF' : ' -x') : '';
      lines.push(`${head} -l ${option.name}${short}${value} -d ${fishQuoted(option.says)}`);
    }
    const first = `complete -c ratatosk -n 'test (count (commandline -opc)) -eq 2; and __fish_seen_subcommand_from ${name}'`;
    if (actions.length > 0) lines.push(`${first} -a ${fishQuoted(actions.join(' '))}`);
    else if (hasTarget) lines.push(`${first} -a '(ratatosk completion targets 2>/dev/null)'`);
  }
  return `${lines.join('\n')}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
