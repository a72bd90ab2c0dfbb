/** Checks of what C++ is not given as it came; same words as there. */

import { types } from 'node:util';

export function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
    return `${value}`;
  if (typeof value === 'string') return value.length <= 40 ? `"${value}"` : `a string of length ${value.length}`;
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const message = (expected: string, name: string, value: unknown) =>
  `Expected ${expected} for ${name} but received ${describe(value)}`;

export function requireArray(value: unknown, name: string): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(message('an array', name, value));
}

export function requireObject(value: unknown, name: string): asserts value is object {
  if (typeof value !== 'object' || value === null) throw new TypeError(message('an object', name, value));
}

export function requireFinite(value: unknown, name: string): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(message('a number', name, value));
  if (!Number.isFinite(value)) throw new RangeError(message('a finite number', name, value));
}

export function requireInteger(value: unknown, name: string, least: number, most: number): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(message('an integer', name, value));
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(message(`an integer from ${least} to ${most}`, name, value));
}

export function requireIndex(value: unknown, name: string, extent: number): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(message('an index', name, value));
  if (!Number.isInteger(value) || value < 0 || value >= extent) {
    throw new RangeError(
      message(extent > 0 ? `an index from 0 to ${extent - 1}` : 'no index, since there are none,', name, value),
    );
  }
}

export function requireChoice(value: unknown, name: string, choices: readonly string[]): asserts value is string {
  if (typeof value === 'string' && choices.includes(value)) return;
  throw new TypeError(message(`one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, name, value));
}

export function requireBytes(value: unknown, name: string): asserts value is Uint8Array {
  // By tag, since a Uint8Array may come from another realm.
  const tag = ArrayBuffer.isView(value) ? Object.prototype.toString.call(value) : '';
  if (tag !== '[object Uint8Array]') throw new TypeError(message('a Uint8Array', name, value));
}

/** In the words of the addon, which says so of what it is given itself. */
export function requireOwnMemory(view: ArrayBufferView, name: string): void {
  const what = describe(view);
  if (types.isSharedArrayBuffer(view.buffer))
    throw new TypeError(
      `Expected memory of its own for ${name} but received ${what} on a SharedArrayBuffer: pass a copy (slice())`,
    );
  if (isDetached(view.buffer))
    throw new TypeError(`Expected memory for ${name} but received ${what} whose buffer was transferred (detached)`);
  if (Reflect.get(view.buffer, 'resizable') === true)
    throw new TypeError(
      `Expected memory of a fixed size for ${name} but received ${what} on a resizable ArrayBuffer: pass a copy (slice())`,
    );
}

/** Node 20 has no `detached`. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

export function requireTypedArray(value: unknown, name: string, expected: string): void {
  if (!ArrayBuffer.isView(value) || !('length' in value)) throw new TypeError(message(expected, name, value));
}

export function requireSignal(value: unknown): asserts value is AbortSignal {
  const given = typeof value === 'object' && value !== null ? value : {};
  const listens = ['addEventListener', 'removeEventListener'].every(
    (key) => typeof Reflect.get(given, key) === 'function',
  );
  if (!listens || typeof Reflect.get(given, 'aborted') !== 'boolean')
    throw new TypeError(message('an AbortSignal', 'signal', value));
}
