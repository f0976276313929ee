//! The session that a test's thread keeps with the database that it asked last. A test that waits for a row asks a hundred
//! times a second: a program and a connection for each question would take the machine from what is awaited.

use std::{cell::RefCell, sync::mpsc, thread, time::Duration};

use tokio::runtime;
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

thread_local! {
    static LAST: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// Statements, and where their answer goes.
type Question = (String, mpsc::Sender<Result<String, Error>>);

/// A thread of its own that asks, since the test's may belong to a runtime; it ends with the test's.
struct Session {
    url: String,
    questions: mpsc::Sender<Question>,
}

/// Runs statements in the database of that URL and gives the rows, one a line, columns separated by `|`.
#[track_caller]
pub fn ask(url: &str, statements: &str) -> String {
    let answer = LAST.with_borrow_mut(|last| {
        let kept = last.take().filter(|session| session.url == url);
        let session = last.insert(kept.unwrap_or_else(|| Session::open(url)));
        let (reply, answer) = mpsc::channel();
        let question = (statements.to_owned(), reply);
        session
            .questions
            .send(question)
            .expect("its thread waits for questions");
        answer
    });
    let answer = answer.recv_timeout(PATIENCE);
    let answer = answer.unwrap_or_else(|error| panic!("{statements}: {error}"));
    answer.unwrap_or_else(|error| panic!("{statements}: {error:?}"))
}

impl Session {
    fn open(url: &str) -> Self {
        let (questions, asked) = mpsc::channel();
        let of = url.to_owned();
        thread::spawn(move || serve(&of, asked));
        Self {
            url: url.to_owned(),
            questions,
        }
    }
}

fn serve(url: &str, asked: mpsc::Receiver<Question>) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let (runtime, mut client) = (runtime.expect("the system has room"), None);
    for (statements, reply) in asked {
        // Whoever asked may have lost patience.
        let _ = reply.send(runtime.block_on(answer(&mut client, url, &statements)));
    }
}

/// Over the connection that stands, where it still does: nothing that was set or prepared before is left in it.
async fn answer(client: &mut Option<Client>, url: &str, statements: &str) -> Result<String, Error> {
    let kept = match client.take() {
        Some(kept) => kept.simple_query("DISCARD ALL").await.map(|_| kept).ok(),
        None => None,
    };
    let open = match kept {
        Some(kept) => kept,
        None => connect(url).await?,
    };
    let answered = open.simple_query(statements).await;
    *client = Some(open);
    answered.map(|messages| lines(&messages))
}

async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn lines(messages: &[SimpleQueryMessage]) -> String {
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let texts = rows.map(|row| {
        let columns = (0..row.len()).map(|at| row.get(at).unwrap_or_default());
        columns.collect::<Vec<_>>().join("|")
    });
    texts.collect::<Vec<_>>().join("\n")
}
