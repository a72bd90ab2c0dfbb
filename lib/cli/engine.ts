import type { Settings } from '../config/resolve.js';
import { installEngine } from '../engine/install.js';
import { type EngineStatus, engineStatus } from '../engine/status.js';
import { ExitCode, TascnetError } from '../errors.js';
import type { Action, Context } from './command.js';
import { type Output, printable } from './output.js';

export const action: Action<Settings<'engine'>> = async (context) => {
  const { positionals, output, signal } = context;
  if (positionals.action === 'install') return install(context);
  if (positionals.action !== undefined) {
    throw new TascnetError(`tascnet engine does not know "${printable(positionals.action)}"; it knows "install".`, {
      exitCode: ExitCode.usage,
    });
  }
  const status = await engineStatus({ fresh: true, signal });
  if (output.json) output.document(status);
  else show(status, output);
  return ExitCode.done;
};

async function install({ settings, output, onEvent, signal }: Context<Settings<'engine'>>): Promise<ExitCode> {
  const { cuda, force } = settings;
  const installed = await installEngine({
    ...{ cuda, force, signal },
    onProgress: (message) => onEvent({ kind: 'note', message }),
  });
  if (output.json) {
    output.document(installed);
    return ExitCode.done;
  }
  const done = installed.source === 'present' ? 'is there already' : `is installed (${installed.source})`;
  output.line(
    `TensorFlow ${installed.version} ${done}, in ${installed.directory}. It runs on the ${installed.device.toUpperCase()}.`,
  );
  if (settings.cuda && installed.device === 'cpu') {
    onEvent({ kind: 'warning', message: 'No GPU is used: see "tascnet engine" for what is missing.' });
  }
  return ExitCode.done;
}

function show({ backend, version, device, directory, candidates, missing }: EngineStatus, output: Output): void {
  const engine = backend === 'tensorflow' ? `TensorFlow ${version}` : `the slow tfjs CPU backend ${version}`;
  output.line(`Training runs on ${output.paint('bold', engine)}, on the ${device.toUpperCase()}.`);
  if (directory !== undefined) output.line(`In ${directory}`);
  for (const candidate of candidates) {
    const { name, from, finding } = candidate;
    const state = finding.works
      ? `works: TensorFlow ${finding.version} on the ${finding.device.toUpperCase()}${finding.oneDnn ? '' : ', without oneDNN'}`
      : finding.problem;
    output.line(`  ${name} (${from}): ${printable(state)}`);
  }
  for (const { what, command } of missing) {
    output.line();
    output.line(`${output.paint('yellow', 'missing:')} ${printable(what)}`);
    output.line(`  ${command}`);
  }
}
