//! The child's own main. It reads questions from stdin and answers on stdout until its stdin ends.

use std::{
    io::{self, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    process::ExitCode,
};

use super::{
    confine,
    protocol::{self, Confinement, Question, Ready},
};
use crate::domain::processing::{Budget, Inspection, inspectors};

/// Runs a child. `main` calls it before anything else, and above all before it opens anything: what is open is closed here.
pub fn child_main() -> ExitCode {
    // A panic of a reader is an answer ("unreadable"); its text might quote the document.
    set_hook(Box::new(|_| ()));
    match confine::first().and_then(|()| serve(io::stdin().lock(), io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let confinement: Confinement = protocol::receive(&mut from)?;
    confine::limit(confinement)?;
    protocol::send(&mut to, &Ready {})?;
    while let Some(question) = next(&mut from)? {
        confine::meter(confinement.cpu_seconds)?;
        let answer = answer(&question, &mut from, confinement)?;
        protocol::send(&mut to, &answer)?;
    }
    Ok(())
}

/// The next question; `None` when the parent has closed the pipe.
fn next(from: &mut impl Read) -> io::Result<Option<Question>> {
    match protocol::receive(from) {
        Ok(question) => Ok(Some(question)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn answer(
    question: &Question,
    from: &mut impl Read,
    confinement: Confinement,
) -> io::Result<Inspection> {
    let bytes = document(question.length, from)?;
    let budget = Budget {
        decoded_bytes: confinement.decoded_bytes,
    };
    let known = inspectors()
        .iter()
        .find(|(name, _)| *name == question.inspector);
    let (_, inspect) = known.ok_or_else(|| io::Error::other("unknown inspector"))?;
    let inspection = catch_unwind(AssertUnwindSafe(|| inspect(&bytes, budget)));
    Ok(inspection.unwrap_or(Inspection::Unreadable))
}

fn document(length: u64, from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let wanted = usize::try_from(length).map_err(io::Error::other)?;
    bytes.try_reserve_exact(wanted).map_err(io::Error::other)?;
    from.take(length).read_to_end(&mut bytes)?;
    match bytes.len() == wanted {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
