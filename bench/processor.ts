import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** The processor's name. Virtual machines call all of a maker's by one; family and model tell the generation. */
export function processorName(): string {
  const name = cpus()[0]?.model.trim() ?? '';
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    const of = (field: string) => new RegExp(`^${field}\\s*: (\\d+)$`, 'm').exec(text)?.[1];
    const [family, model] = [of('cpu family'), of('model')];
    return family && model ? `${name} (family ${family}, model ${model})` : name;
  } catch {
    // There is no such file outside Linux.
    return name;
  }
}
