import { join, resolve } from 'node:path';
import envPaths from 'env-paths';

/**
 * Where what can be made again is kept: `TASCNET_CACHE`, else the platform's cache directory (XDG_CACHE_HOME on Linux,
 * ~/Library/Caches on macOS, %LOCALAPPDATA% on Windows). Absolute; it may not exist yet.
 * @param parts folders within it.
 */
export function cacheDirectory(...parts: string[]): string {
  const chosen = process.env.TASCNET_CACHE;
  return join(chosen ? resolve(chosen) : envPaths('tascnet', { suffix: '' }).cache, ...parts);
}
