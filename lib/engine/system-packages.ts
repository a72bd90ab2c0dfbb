/** How a program is installed with the package manager that this machine has. */

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = {
  python: { apt: 'python3 python3-pip', dnf: 'python3 python3-pip', apk: 'python3 py3-pip', brew: 'python' },
  compiler: { apt: 'g++', dnf: 'gcc-c++', apk: 'g++', brew: 'gcc' },
} as const;

const COMMANDS = {
  apt: 'sudo apt-get install -y',
  dnf: 'sudo dnf install -y',
  apk: 'sudo apk add',
  brew: 'brew install',
} as const;

const PROGRAMS = { apt: 'apt-get', dnf: 'dnf', apk: 'apk', brew: 'brew' } as const;

/** The exact command; that of Debian where no known package manager is found. */
export function installCommand(what: keyof typeof NAMES): string {
  const managers = ['apt', 'dnf', 'apk', 'brew'] as const;
  const manager = managers.find((name) => isOnPath(PROGRAMS[name])) ?? 'apt';
  return `${COMMANDS[manager]} ${NAMES[what][manager]}`;
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some((directory) => directory && existsSync(join(directory, program)));
}
