import { RESIDUAL_FAMILIES } from '../models/residual-families.js';
import { testFamilies } from './families.js';

testFamilies(RESIDUAL_FAMILIES, {
  ecanet: { onSlices: "a convolution over the channels' neighbours" },
  // What the spatial gate takes the mean and the maximum of stays, and the gate is one channel.
  cbam: { pinned: /is taken over these channels|has one channel/ },
});
