/** Loaded before unit tests: an answer within a minute is worth more there than more examples. */
process.env.TEST_EFFORT ??= '0.2'
