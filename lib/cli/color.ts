/** Colours where they are wanted: NO_COLOR and FORCE_COLOR decide, else whether the stream is a terminal. */

import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export type Paint = (style: Style, text: string) => string;

export function wantsColor(stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv = process.env): boolean {
  if (environment.NO_COLOR) return false;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && (stream as WriteStream).hasColors();
}

export function painter(stream: { isTTY?: boolean }): Paint {
  if (!wantsColor(stream)) return (_, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}
