/** What the samples are, and how networks read sentences. */

import { choice, text, whole } from '../option.js';
import { ON_MODELS, WITH_DATA } from '../scopes.js';

export const TEXT_OPTIONS = {
  task: choice(
    ['image', 'text'],
    WITH_DATA,
    {
      group: 'Sentences',
      describe: 'What the data are.',
      defaultText: 'text where the model takes token ids, [batch, tokens] of whole numbers',
    },
    undefined,
  ),
  tokenizer: text(WITH_DATA, {
    group: 'Sentences',
    placeholder: 'FILE',
    describe:
      "How sentences become token ids: a tokenizer.json of Hugging Face, or a vocabulary, one word a line or JSON. Default: what the model's metadata say.",
  }),
  textLength: whole(
    { min: 1, max: 65_536 },
    ON_MODELS,
    {
      group: 'Sentences',
      placeholder: 'TOKENS',
      describe: 'Longer sentences lose their end, shorter ones are filled up.',
      defaultText: "the model's own, else that of the longest training sentence, at most 512",
    },
    undefined,
  ),
};
