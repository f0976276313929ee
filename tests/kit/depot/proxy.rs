//! What stands between us and a server: it passes everything on, until it is told to cut or to swallow.
//!
//! It listens at [`ADDRESS`] on the server's own port numbers, and leads to the same ports of 127.0.0.1: so protocols that tell
//! ports (FTP) go through it, too.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Where it listens.
pub const ADDRESS: &str = "127.0.0.2";

/// What is passed on at once: small, so that a cut falls anywhere.
const CHUNK: usize = 16 * 1024;

/// What happens to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// They pass.
    Pass,
    /// So many pass, then every connection is cut, once.
    CutAfter(u64),
    /// So many of each stretch pass, then every connection is cut, again and again: the stretch, and what is left of it.
    CutEach(u64, u64),
    /// So many pass, then all of them vanish, and connections stay open.
    SwallowAfter(u64),
}

#[derive(Debug)]
struct State {
    plan: Plan,
    /// How long each chunk takes.
    pause: Duration,
    passed: u64,
    connections: usize,
    cuts: usize,
    refused: usize,
    open: Vec<TcpStream>,
}

/// The middleman. It works as long as the test process lives.
#[derive(Clone, Debug)]
pub struct Proxy {
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Proxy {
    /// Starts one before these ports of 127.0.0.1.
    pub fn start(ports: &[u16]) -> Self {
        let state = State {
            plan: Plan::Pass,
            pause: Duration::ZERO,
            passed: 0,
            connections: 0,
            cuts: 0,
            refused: 0,
            open: Vec::new(),
        };
        let proxy = Self {
            shared: Arc::new((Mutex::new(state), Condvar::new())),
        };
        for port in ports {
            let listener = TcpListener::bind((ADDRESS, *port)).expect("a loopback address");
            let (port, proxy) = (*port, proxy.clone());
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    proxy.take(stream, port);
                }
            });
        }
        proxy
    }

    /// Lets so many bytes a second pass, in each direction of each connection, from now on.
    pub fn slow(&self, bytes_per_second: u32) {
        self.state().pause = Duration::from_secs_f64(CHUNK as f64 / f64::from(bytes_per_second));
    }

    /// Cuts every connection once so many more bytes have passed, in both directions together.
    pub fn cut_after(&self, bytes: u64) {
        self.plan(Plan::CutAfter(bytes));
    }

    /// The same again and again, after each so many bytes.
    pub fn cut_each(&self, bytes: u64) {
        self.plan(Plan::CutEach(bytes, bytes));
    }

    /// Swallows everything once so many more bytes have passed; connections stay open, and new ones are taken.
    pub fn swallow_after(&self, bytes: u64) {
        self.plan(Plan::SwallowAfter(bytes));
    }

    /// Passes everything again; what was swallowed is lost, and so are its connections.
    pub fn restore(&self) {
        let mut state = self.state();
        if matches!(state.plan, Plan::SwallowAfter(_)) {
            hang_up(&mut state);
        }
        state.plan = Plan::Pass;
        self.shared.1.notify_all();
    }

    /// How many bytes passed, in both directions together.
    pub fn passed(&self) -> u64 {
        self.state().passed
    }

    /// How many connections were taken.
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// How many times it cut.
    pub fn cuts(&self) -> usize {
        self.state().cuts
    }

    /// How many connections it turned away, for want of a server.
    pub fn refused(&self) -> usize {
        self.state().refused
    }

    /// Waits until so many bytes have passed in all.
    pub fn wait_for(&self, bytes: u64, deadline: Duration) {
        let end = Instant::now() + deadline;
        let mut state = self.state();
        while state.passed < bytes {
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "only {} bytes passed of {bytes}",
                state.passed
            );
            let waited = self.shared.1.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn plan(&self, plan: Plan) {
        self.state().plan = plan;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, client: TcpStream, port: u16) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
            self.state().refused += 1;
            return;
        };
        let clones = [&client, &server].map(|stream| stream.try_clone().expect("a descriptor"));
        let mut state = self.state();
        state.connections += 1;
        for stream in [&client, &server] {
            state.open.push(stream.try_clone().expect("a descriptor"));
        }
        drop(state);
        let [to_client, to_server] = clones;
        for (from, to) in [(client, to_server), (server, to_client)] {
            let proxy = self.clone();
            thread::spawn(move || proxy.pass(from, to));
        }
    }

    /// One direction, to its end.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut chunk = [0; CHUNK];
        while let Ok(count) = from.read(&mut chunk) {
            let (allowed, cut) = self.allow(count);
            // A line of that width, not a wait for anything.
            let pause = self.state().pause;
            thread::sleep(pause.mul_f64(count as f64 / CHUNK as f64));
            if to.write_all(&chunk[..allowed]).is_err() {
                // Nobody takes it any more: who sends is told, as by the server itself.
                let _ = from.shutdown(Shutdown::Both);
                break;
            }
            if count == 0 {
                break;
            }
            if cut {
                hang_up(&mut self.state());
                break;
            }
        }
        // The end of one direction is passed on; a hole passes nothing on.
        if !matches!(self.state().plan, Plan::SwallowAfter(0)) {
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// How many of so many bytes pass, and whether everything is cut after them.
    fn allow(&self, count: usize) -> (usize, bool) {
        let mut state = self.state();
        let (allowed, cut) = match state.plan {
            Plan::Pass => (count as u64, false),
            Plan::SwallowAfter(left) => {
                let allowed = left.min(count as u64);
                state.plan = Plan::SwallowAfter(left - allowed);
                (allowed, false)
            }
            Plan::CutAfter(left) if (count as u64) < left => {
                state.plan = Plan::CutAfter(left - count as u64);
                (count as u64, false)
            }
            Plan::CutAfter(left) => {
                state.plan = Plan::Pass;
                state.cuts += 1;
                (left, true)
            }
            Plan::CutEach(each, left) if (count as u64) < left => {
                state.plan = Plan::CutEach(each, left - count as u64);
                (count as u64, false)
            }
            Plan::CutEach(each, left) => {
                state.plan = Plan::CutEach(each, each);
                state.cuts += 1;
                (left, true)
            }
        };
        state.passed += allowed;
        self.shared.1.notify_all();
        (usize::try_from(allowed).expect("at most a chunk"), cut)
    }
}

fn hang_up(state: &mut State) {
    for stream in state.open.drain(..) {
        let _ = stream.shutdown(Shutdown::Both);
    }
}
