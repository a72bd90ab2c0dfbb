/** Commands that share options. */

export const TRAIN = ['run', 'finetune', 'search', 'prune'] as const;
export const FIT = ['run', 'finetune', 'search'] as const;
export const STAGE1 = ['run', 'search'] as const;
export const STAGE2 = ['run', 'prune'] as const;
export const TARGETS = ['run', 'search', 'prune'] as const;
export const TAUGHT = ['finetune', 'prune'] as const;
export const RUN = ['run'] as const;
export const PRUNE = ['prune'] as const;
export const WITH_DATA = [...TRAIN, 'validate'] as const;
/** Those that read model files. */
export const ON_MODELS = [...WITH_DATA, 'inspect'] as const;
export const ALL = [...TRAIN, 'inspect', 'validate', 'engine'] as const;
