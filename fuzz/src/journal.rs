//! A journal, whatever has become of its file: it is refused and stays as it is, or each input has the outcome that is true,
//! and what HubSpot has settled is not sent again.

use std::{cell::RefCell, collections::BTreeSet, fs, path::PathBuf, rc::Rc};

use futures_util::StreamExt;
use hubspot_partner_clients::{
    Association, Client, Error,
    bulk::{Journal, Outcome},
};

use super::{
    check::{check_error, hides, holds_secret},
    client,
    hubspot::{HubSpot, Verdict},
    server::Server,
};

const INPUTS: u64 = 12;
/// Longer numbers would be the indexes of inputs that take more memory than there is.
const LONGEST_NUMBER: usize = 5;
/// A line that is doubled again and again would take all memory.
const LONGEST_FILE: usize = 1 << 16;

/// What HubSpot says of the input at an index.
fn verdict(index: u64) -> Verdict {
    match index % 4 {
        2 => Verdict::Unsaid,
        3 => Verdict::Refused,
        _ => Verdict::Done,
    }
}

struct Kept {
    server: Server,
    client: Client,
    hubspot: Rc<RefCell<HubSpot>>,
    path: PathBuf,
    /// The journal of a whole run.
    written: Vec<u8>,
}

thread_local! {
    static KEPT: Kept = Kept::new();
}

/// A journal as it is, changes to a real one, or lines to which their checksums are added, by the first byte.
pub fn journal(data: &[u8]) {
    let [how, rest @ ..] = data else { return };
    // A user's own values may show.
    if holds_secret(&String::from_utf8_lossy(rest)) {
        return;
    }
    KEPT.with(|kept| {
        let (file, is_forged) = match how % 3 {
            0 => (rest.to_vec(), false),
            1 => (changed(kept.written.clone(), rest), false),
            _ => match sealed(rest, kept) {
                Some(file) => (file, true),
                None => return,
            },
        };
        kept.check(&file, is_forged);
    });
}

impl Kept {
    fn new() -> Self {
        let server = Server::start(false);
        let client = server.run(async { client(&server) });
        let hubspot = Rc::new(RefCell::new(HubSpot::default()));
        let verdicts = (0..INPUTS).map(|index| ((index + 1).to_string(), verdict(index)));
        hubspot.borrow_mut().verdicts = verdicts.collect();
        let shared = Rc::clone(&hubspot);
        server.respond(move |request| shared.borrow_mut().respond(request));
        let name = format!("fuzz-{}-{:p}.journal", std::process::id(), Rc::as_ptr(&hubspot));
        let mut kept = Self { server, client, hubspot, path: std::env::temp_dir().join(name), written: Vec::new() };
        kept.run().unwrap();
        kept.written = fs::read(&kept.path).unwrap();
        kept.check_forging();
        kept
    }

    fn run(&self) -> Result<Vec<Outcome>, Error> {
        self.hubspot.borrow_mut().asked.clear();
        let journal = Journal::open(&self.path, "input")?;
        hides(&format!("{journal:?}"));
        let inputs = (1..=INPUTS).map(|id| Association::new(id, "companies", 9001, "owner"));
        let run = self.client.associate_many(inputs).journal(journal);
        Ok(self.server.run(run.outcomes().collect()))
    }

    /// What is forged is taken for what a run has recorded; nothing would be tried otherwise.
    fn check_forging(&self) {
        let header = r#"hubspot-partner-clients journal $version {"operation":"associate","input":"input","server":"$server","apiVersion":"v3"}"#;
        fs::write(&self.path, sealed(format!("{header}\n0 $digest made\n").as_bytes(), self).unwrap()).unwrap();
        assert!(self.run().unwrap()[0].replayed);
    }

    /// The indexes of the inputs that were sent in the last run.
    fn sent(&self) -> BTreeSet<u64> {
        let hubspot = self.hubspot.borrow();
        hubspot.asked.keys().map(|(_, [client, ..])| client.parse::<u64>().unwrap() - 1).collect()
    }

    fn check(&self, file: &[u8], is_forged: bool) {
        fs::write(&self.path, file).unwrap();
        let outcomes = match self.run() {
            Ok(outcomes) => outcomes,
            Err(error) => {
                check_error(&error);
                assert!(error.is_journal() && !error.to_string().contains('\n'), "{error}");
                assert_eq!(fs::read(&self.path).unwrap(), file, "a journal that is refused stays as it is");
                return;
            }
        };
        self.check_outcomes(&outcomes, is_forged);
        let is_broken = |outcome: &Outcome| outcome.result.as_ref().is_err_and(Error::is_journal);
        if outcomes.iter().any(is_broken) {
            return;
        }

        // What is settled stays so, and nothing else is in the journal.
        let again = self.run().unwrap();
        let settled = |outcome: &&Outcome| is_settled(outcome);
        for (outcome, again) in outcomes.iter().zip(&again) {
            assert_eq!(again.replayed, is_settled(outcome), "{again:?}");
            assert_eq!(again.result.is_ok(), outcome.result.is_ok());
        }
        let sent = self.sent();
        assert!(outcomes.iter().filter(settled).all(|outcome| !sent.contains(&outcome.index)), "{sent:?}");
        let recorded = Journal::open(&self.path, "input").unwrap().recorded();
        assert!(recorded >= outcomes.iter().filter(settled).count() as u64);
    }

    fn check_outcomes(&self, outcomes: &[Outcome], is_forged: bool) {
        assert!(outcomes.iter().map(|outcome| outcome.index).eq(0..INPUTS));
        let sent = self.sent();
        for outcome in outcomes {
            if let Err(error) = &outcome.result {
                check_error(error);
            }
            let is_broken = outcome.result.as_ref().is_err_and(Error::is_journal);
            assert_eq!(sent.contains(&outcome.index), !outcome.replayed && !is_broken, "{outcome:?}");
            let is_true = match verdict(outcome.index) {
                Verdict::Done => outcome.result.is_ok(),
                Verdict::Refused => outcome.result.is_err() && is_settled(outcome),
                Verdict::Unsaid => !is_settled(outcome),
            };
            assert!(is_true || is_broken || is_forged && outcome.replayed, "{outcome:?}");
        }
        // What is settled at once is sent once; what is unsaid is asked again by itself.
        assert!(self.hubspot.borrow().asked.values().all(|count| *count <= 2));
        for ((_, [client, ..]), count) in &self.hubspot.borrow().asked {
            let is_unsaid = verdict(client.parse::<u64>().unwrap() - 1) == Verdict::Unsaid;
            assert_eq!(*count, 1 + u32::from(is_unsaid), "{client}");
        }
    }
}

/// Whether HubSpot has said what becomes of it, now or before.
fn is_settled(outcome: &Outcome) -> bool {
    outcome.replayed || !matches!(&outcome.result, Err(error) if error.category() != Some("VALIDATION_ERROR"))
}

/// Each three bytes are a change: what, and the two halves of a place.
fn changed(mut file: Vec<u8>, changes: &[u8]) -> Vec<u8> {
    for [what, high, low] in changes.as_chunks::<3>().0 {
        if file.len() > LONGEST_FILE {
            break;
        }
        let place = usize::from(u16::from_be_bytes([*high, *low])) % (file.len() + 1);
        let start = file[..place].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let end = file[place..].iter().position(|byte| *byte == b'\n').map_or(file.len(), |end| place + end + 1);
        match what % 8 {
            0 => file.truncate(place),
            1 => drop(file.drain(start..end)),
            2 => file.extend_from_within(start..end),
            3 => file.insert(place, *what),
            4 => drop(file.splice(place..place, [b'\n'])),
            5 => file.extend_from_slice(&[*what, *high]),
            _ => file.get_mut(place).into_iter().for_each(|byte| *byte ^= 1 << (what / 8 % 8)),
        }
    }
    file
}

/// Lines with their checksums; the version, the server's address, and the digests of the inputs at the indexes, are those of
/// real ones. None with an index beyond what is tried here.
fn sealed(lines: &[u8], kept: &Kept) -> Option<Vec<u8>> {
    let written = str::from_utf8(&kept.written).unwrap();
    let version = written.split(' ').nth(2)?;
    let text = String::from_utf8_lossy(lines).replace("$server", &kept.server.base_url).replace("$version", version);
    let mut file = String::new();
    for line in text.lines() {
        let index = line.split(' ').next()?;
        if index.trim_start_matches(['+', '0']).len() > LONGEST_NUMBER && !line.starts_with('h') {
            return None;
        }
        let digest = index.parse::<u64>().map(|index| format!("{:016x}", digest(index))).unwrap_or_default();
        let line = line.replace("$digest", &digest);
        file += &format!("{line} {:08x}\n", crc32(line.as_bytes()));
    }
    Some(file.into_bytes())
}

/// FNV-1a of the input at an index.
fn digest(index: u64) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{}\ncompanies\n9001\nowner\n", index + 1).bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
