import { MODERN_FAMILIES } from '../models/modern-families.js';
import { testFamilies } from './families.js';

testFamilies(MODERN_FAMILIES, {
  convnext: { onSlices: 'layer norms' },
  convnextV2: { onSlices: 'layer norms and global response norms' },
  nfnet: { onSlices: 'the standardisation of weights' },
  hybrid: { onSlices: 'layer norms' },
  hybridFused: { onSlices: 'layer norms' },
  // Its query is one channel, by design.
  separableAttention: { onSlices: 'a norm over all channels and positions', pinned: /has one channel/ },
});
