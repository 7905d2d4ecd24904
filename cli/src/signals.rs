//! Signals that ask the tool to end.

use std::{
    future::{pending, poll_fn},
    io, process,
    task::{Context, Poll},
    thread,
};

use tokio::{runtime, sync::watch};

use crate::{exit::Signal, failure::Failure};

/// Remembers the first signal, for whoever asks. A second one ends the process at once.
#[derive(Clone)]
pub(super) struct Signals(watch::Receiver<Option<Signal>>);

impl Signals {
    /// Takes the place of what the system does by default, which for process 1 of a container is to ignore them.
    ///
    /// # Errors
    /// Where the system lets nobody listen.
    pub(super) fn listen() -> io::Result<Self> {
        let (sender, receiver) = watch::channel(None);
        // In a thread of its own, because the main one may be blocked: by a file, or by a reader who does not read.
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let mut sources = {
            let _inside = runtime.enter();
            Sources::listen()?
        };
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                let first = sources.next().await;
                sender.send_replace(Some(first));
                process::exit(sources.next().await.code() as i32)
            })
        })?;
        Ok(Self(receiver))
    }

    /// Waits for the first signal, also if it came before.
    pub(super) async fn received(&self) -> Signal {
        let mut receiver = self.0.clone();
        let received = receiver.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
        match received {
            Some(signal) => signal,
            None => pending().await,
        }
    }

    /// Runs what can be given up at any time. `remedy` says what to do then.
    pub(super) async fn interrupt<T>(
        &self,
        run: impl Future<Output = Result<T, Failure>>,
        remedy: Option<&str>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            signal = self.received() => Err(Failure::interrupted(signal, "", remedy.map(str::to_owned))),
            outcome = run => outcome,
        }
    }
}

/// On Linux, macOS and the BSDs; a handler does no harm where the number is that of another signal.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

type Source = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<()>> + Send>;

struct Sources(Vec<(Signal, Source)>);

impl Sources {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let kinds = [
            (Signal::Hangup, SignalKind::hangup()),
            (Signal::Interrupt, SignalKind::interrupt()),
            (Signal::Quit, SignalKind::quit()),
            (Signal::Terminate, SignalKind::terminate()),
        ];
        let ignored = ignored();
        // A write beyond the limit of a file's size then fails like any other, with a message. By default it ends the process
        // without a word.
        if ignored >> (SIGXFSZ - 1) & 1 == 0 {
            drop(signal(SignalKind::from_raw(SIGXFSZ))?);
        }
        let mut sources = Vec::new();
        for (what, kind) in kinds {
            // As `nohup` and the background jobs of scripts ask for.
            if ignored >> (kind.as_raw_value() - 1) & 1 == 0 {
                let mut source = signal(kind)?;
                sources.push((what, Box::new(move |cx: &mut Context<'_>| source.poll_recv(cx)) as Source));
            }
        }
        Ok(Self(sources))
    }

    #[cfg(windows)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};

        let (mut c, mut pause, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
        let (mut logoff, mut shutdown) = (ctrl_logoff()?, ctrl_shutdown()?);
        Ok(Self(vec![
            (Signal::Interrupt, Box::new(move |cx: &mut Context<'_>| c.poll_recv(cx)) as Source),
            (Signal::Interrupt, Box::new(move |cx: &mut Context<'_>| pause.poll_recv(cx))),
            (Signal::Terminate, Box::new(move |cx: &mut Context<'_>| close.poll_recv(cx))),
            (Signal::Terminate, Box::new(move |cx: &mut Context<'_>| logoff.poll_recv(cx))),
            (Signal::Terminate, Box::new(move |cx: &mut Context<'_>| shutdown.poll_recv(cx))),
        ]))
    }

    async fn next(&mut self) -> Signal {
        poll_fn(|cx| {
            for (signal, source) in &mut self.0 {
                if let Poll::Ready(Some(())) = source(cx) {
                    return Poll::Ready(*signal);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// The signals that are ignored from the beginning, a bit for each, as far as the system says so.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
