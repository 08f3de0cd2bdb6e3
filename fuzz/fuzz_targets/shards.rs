#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tweedie_fuzz::shards(input));
