import { MOBILE_FAMILIES } from '../models/mobile-families.js';
import { testFamilies } from './families.js';

testFamilies(MOBILE_FAMILIES);
