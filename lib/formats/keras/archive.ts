/** The .keras file of Keras 3: a zip of its configuration as JSON and its weights as HDF5. */

import { unzipSync } from 'fflate';
import { messageOf, TascnetError } from '../../errors.js';

const MEMBERS = ['metadata.json', 'config.json', 'model.weights.h5'] as const;

type Member = (typeof MEMBERS)[number];

/** A configuration of hundreds of layers has a few hundred kB. */
const MAX_JSON_BYTES = 2 ** 28;
/** Deflate cannot make less than this share of what it is given. */
const MAX_RATIO = 1100;

const DAMAGED_HINT = 'Check that the file was downloaded or copied completely.';

export interface Archive {
  config: string;
  /** Empty in archives without it. */
  metadata: string;
  weights: Uint8Array;
}

/** @throws TascnetError when it is not a whole zip, or claims sizes that cannot be. */
export function readArchive(bytes: Uint8Array): Archive {
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(bytes, {
      filter: ({ name, size, originalSize }) => {
        if (!MEMBERS.some((member) => member === name)) return false;
        const limit = Math.min(name.endsWith('.json') ? MAX_JSON_BYTES : 2 ** 32, MAX_RATIO * (size + 1));
        if (size > bytes.length || originalSize > limit)
          throw new TascnetError(`"${name}" claims ${originalSize} bytes, packed into ${size}; that cannot be.`);
        return true;
      },
    });
  } catch (error) {
    if (error instanceof TascnetError) throw error;
    throw new TascnetError(`this is not a .keras archive, or it is truncated (${messageOf(error)}).`, {
      hint: DAMAGED_HINT,
      cause: error,
    });
  }
  const member = (name: Member): Uint8Array => {
    const found = Object.hasOwn(members, name) ? members[name] : undefined;
    if (found) return found;
    throw new TascnetError(`the archive has no ${name}.`, {
      hint: 'A .keras file of model.save was expected; weights alone do not tell the network.',
    });
  };
  const text = (name: Member) => new TextDecoder().decode(member(name));
  return {
    config: text('config.json'),
    metadata: Object.hasOwn(members, 'metadata.json') ? text('metadata.json') : '',
    weights: member('model.weights.h5'),
  };
}
