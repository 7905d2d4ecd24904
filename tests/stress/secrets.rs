//! Secrets, and all that a program may tell, in which they are looked for.

use std::{
    cell::RefCell,
    error::Error as _,
    fmt::{Debug, Write},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use base64::{Engine, alphabet, engine::GeneralPurpose, engine::general_purpose::NO_PAD};
use hubspot_partner_clients::{Attempt, CallEnd, Error, Observer};
use tracing::{Event, Metadata, Subscriber, span};

use super::Trouble;

/// With characters that URLs, forms and base64 write in other ways.
pub const CLIENT_SECRET: &str = "c11en7+5ecre7/tail=";
pub const REFRESH_TOKEN: &str = "refre5h+5ecre7/tail=";
/// What the access tokens that the simulator gives begin with.
const ACCESS_TOKEN: &str = "access-sim-";

/// How many findings are kept, and how much of each.
const MOST: usize = 10;
const EXCERPT: usize = 400;

/// All that is told, counted, and what of it holds a secret.
#[derive(Debug)]
pub struct Told {
    needles: Vec<String>,
    lines: AtomicU64,
    bytes: AtomicU64,
    /// Whether the crate of HTTP/2 has told something.
    is_http2: AtomicBool,
    found: Mutex<Vec<String>>,
}

impl Told {
    /// Hears all that crates tell by `tracing` and `log`, at every level.
    pub fn listen() -> Result<&'static Self, Trouble> {
        static TOLD: OnceLock<Told> = OnceLock::new();
        let told = TOLD.get_or_init(|| Self {
            needles: [CLIENT_SECRET, REFRESH_TOKEN, ACCESS_TOKEN].into_iter().flat_map(forms).collect(),
            lines: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            is_http2: AtomicBool::new(false),
            found: Mutex::default(),
        });
        // What is not found here would not be found later.
        for (before, secret) in [("", CLIENT_SECRET), ("x", REFRESH_TOKEN), ("xy", "access-sim-0123")] {
            let text = format!("{before}{secret} behind");
            let base64 = GeneralPurpose::new(&alphabet::STANDARD, NO_PAD).encode(&text);
            if !told.shows(&text) || !told.shows(&base64) {
                return Err(format!("{secret} would not be found").into());
            }
        }
        tracing::dispatcher::set_global_default(tracing::Dispatch::new(Listener(told)))?;
        log::set_logger(told).map_err(|error| error.to_string())?;
        log::set_max_level(log::LevelFilter::Trace);
        Ok(told)
    }

    pub fn text(&self, text: &str) {
        self.lines.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        if self.shows(text)
            && let Ok(mut found) = self.found.lock()
            && found.len() < MOST
        {
            found.push(text.chars().take(EXCERPT).collect());
        }
    }

    fn shows(&self, text: &str) -> bool {
        self.needles.iter().any(|needle| text.contains(needle.as_str()))
    }

    pub fn debug(&self, value: &dyn Debug) {
        self.write(|text| write!(text, "{value:?}"));
    }

    /// All that can be printed of an error.
    pub fn error(&self, error: &Error) {
        self.write(|text| {
            write!(text, "{error} {error:?} {} {:?}", error.remedy(), error.body_excerpt())?;
            write!(text, " {:?} {:?} {:?}", error.details(), error.context(), error.correlation_id())?;
            let mut source = error.source();
            while let Some(error) = source {
                write!(text, " {error} {error:?}")?;
                source = error.source();
            }
            Ok(())
        });
    }

    fn write(&self, write: impl FnOnce(&mut String) -> std::fmt::Result) {
        thread_local! {
            // Kept, so that what is told leaves no trace in what is allocated.
            static TEXT: RefCell<String> = RefCell::new(String::with_capacity(1 << 20));
        }
        TEXT.with(|text| match text.try_borrow_mut() {
            Ok(mut text) => {
                text.clear();
                let _ = write(&mut text);
                self.text(&text);
            }
            // Something tells while it is written.
            Err(_) => {
                let mut text = String::new();
                let _ = write(&mut text);
                self.text(&text);
            }
        });
    }

    /// Fails with what holds a secret, and where less was heard than there is.
    pub fn check(&self, is_http2: bool) -> Result<(), Trouble> {
        let (lines, bytes) = (self.lines.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        let found = self.found.lock().map_err(|_| "a thread panicked")?;
        println!("secrets: {} in {lines} lines of {bytes} bytes", found.len());
        if lines == 0 || is_http2 != self.is_http2.load(Ordering::Relaxed) {
            return Err("nothing was heard of the transport".into());
        }
        if found.is_empty() { Ok(()) } else { Err(format!("secrets show: {found:#?}").into()) }
    }
}

/// A secret as it is, percent-encoded, as a form has it, in hexadecimal, and in base64 behind any number of bytes.
fn forms(secret: &str) -> Vec<String> {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let percent: String = secret.bytes().map(encoded).collect();
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![secret.to_owned(), percent.to_lowercase(), percent, hexadecimal];
    for alphabet in [alphabet::STANDARD, alphabet::URL_SAFE] {
        for before in 0..3 {
            let text = GeneralPurpose::new(&alphabet, NO_PAD).encode("x".repeat(before) + secret);
            // The first and the last characters hold bits of others.
            forms.push(text[(4 * before).div_ceil(3)..text.len() - 1].to_owned());
        }
    }
    forms
}

impl log::Log for Told {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.write(|text| write!(text, "{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

impl Observer for &'static Told {
    fn on_attempt(&self, attempt: &Attempt<'_>) {
        self.debug(attempt);
    }

    fn on_call(&self, call: &CallEnd<'_>) {
        self.debug(call);
        call.error.into_iter().for_each(|error| self.error(error));
    }
}

struct Listener(&'static Told);

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        self.0.write(|text| {
            text.push_str(attributes.metadata().name());
            attributes.record(&mut Fields(text));
            Ok(())
        });
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        self.0.write(|text| {
            values.record(&mut Fields(text));
            Ok(())
        });
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target().starts_with("h2::") {
            self.0.is_http2.store(true, Ordering::Relaxed);
        }
        self.0.write(|text| {
            text.push_str(event.metadata().target());
            event.record(&mut Fields(text));
            Ok(())
        });
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Fields<'a>(&'a mut String);

impl tracing::field::Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
