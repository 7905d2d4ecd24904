#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hubspot_partner_clients_fuzz::dated(data));
