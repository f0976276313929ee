//! The line is cut at any byte: what was transferred is taken up again, and no byte is lost, doubled or changed.

use std::{fs, time::Duration};

use navette::{
    kernel::{clock::Clock, fault::Code},
    transport::{self, Line, Listed, upload_over},
};

use super::{read, sent, session};
use crate::{
    distant_depots,
    kit::{
        chance::Chance,
        depot::noise,
        process::{self, Fate},
        wait,
    },
};

const SIZE: u64 = 20_000_000;

/// What a connection says before the first byte of a file, about.
const TALK: u64 = 8_000;

/// How many parts of it are cut, each somewhere.
const WORDS: u64 = 8;

/// What may be sent again after a cut: what was in flight, and what is read back.
const AGAIN: u64 = 6_000_000;

distant_depots! {
    fn a_sending_that_is_cut_anywhere_goes_on_and_arrives_whole(depot) {
        let bytes = noise(1, usize::try_from(SIZE).unwrap());
        depot.local("LOT.zip", &bytes);
        let mut chance = Chance::new();
        for round in 0..4 {
            let (before, cuts) = (depot.proxy().passed(), depot.proxy().cuts());
            depot.proxy().cut_after(chance.below(SIZE));
            sent(&depot, "LOT.zip");
            assert_eq!(depot.proxy().cuts(), cuts + 1, "round {round}");
            assert!(fs::read(depot.inside("in/LOT.zip")).unwrap() == bytes, "round {round}");
            assert_eq!(depot.names("in"), ["LOT.zip"]);
            let passed = depot.proxy().passed() - before;
            assert!(passed < SIZE + AGAIN, "round {round}: {passed} bytes: it began again");
            fs::remove_file(depot.inside("in/LOT.zip")).unwrap();
        }
    }

    /// The first bytes of a connection are its handshake; a cut there is one more try, too.
    fn a_line_that_is_cut_in_its_first_words_is_tried_again(depot) {
        let bytes = noise(2, 100_000);
        depot.local("LOT.zip", &bytes);
        let mut chance = Chance::new();
        for word in 0..WORDS {
            depot.proxy().cut_after(word * TALK / WORDS + chance.below(TALK / WORDS));
            sent(&depot, "LOT.zip");
            assert!(fs::read(depot.inside("in/LOT.zip")).unwrap() == bytes);
            fs::remove_file(depot.inside("in/LOT.zip")).unwrap();
        }
        depot.proxy().restore();
    }

    fn a_sender_that_is_killed_goes_on_where_it_was_when_it_is_run_again(depot) {
        let bytes = noise(3, 50_000_000);
        depot.local("LOT.zip", &bytes);
        let command = depot.command(&["archive", "send", "LOT.zip", "--depot", depot.name()]);
        depot.proxy().swallow_after(20_000_000);
        let mut child = process::start(&command, Fate::Kill, &depot.inside("../sender.log")).unwrap();
        depot.proxy().wait_for(20_000_000, Duration::from_secs(60));
        child.kill().unwrap();
        child.wait().unwrap();
        depot.proxy().restore();
        let part = depot.inside("in/.LOT.zip.part");
        wait::until("what was left", Duration::from_secs(60), || {
            fs::metadata(&part).is_ok_and(|part| part.len() > 10_000_000).then_some(())
        });
        let said = sent(&depot, "LOT.zip");
        assert!(said["resumedAt"].as_u64().unwrap() > 10_000_000, "{said}");
        assert!(fs::read(depot.inside("in/LOT.zip")).unwrap() == bytes);
    }

    fn a_reading_that_is_cut_anywhere_goes_on_where_it_was(depot) {
        let bytes = noise(4, usize::try_from(SIZE).unwrap());
        depot.put("in/LOT.zip", &bytes);
        let mut line = Line::new(read(&depot), Clock::system());
        let listed = line.with(|session| session.list("in")).unwrap().remove(0);
        let mut chance = Chance::new();
        for round in 0..4 {
            let (before, cuts) = (depot.proxy().passed(), depot.proxy().cuts());
            depot.proxy().cut_after(chance.below(SIZE));
            let taken = taken(&mut line, &listed).unwrap();
            assert_eq!(depot.proxy().cuts(), cuts + 1);
            assert!(taken == bytes, "round {round}");
            let passed = depot.proxy().passed() - before;
            assert!(passed < SIZE + 2 * AGAIN, "round {round}: {passed} bytes: it began again");
        }
    }

    /// The file is another one when the line comes back: what was taken is of no use, and the caller is told so.
    fn a_reading_that_is_cut_does_not_go_on_in_another_file(depot) {
        let bytes = noise(5, usize::try_from(SIZE).unwrap());
        depot.put("in/LOT.zip", &bytes);
        let listed = session(&depot).list("in").unwrap().remove(0);
        let mut line = Line::new(read(&depot), Clock::system());
        depot.proxy().cut_after(SIZE / 2);
        let (mut taken, mut changed) = (0, false);
        let read = transport::download_over(&mut line, "in/LOT.zip", &listed, 0, &mut |more| {
            if !changed {
                depot.put("in/LOT.zip", &noise(6, 1_000_000));
                changed = true;
            }
            taken += more.len();
            Ok(())
        });
        assert_eq!(read.unwrap_err().code(), Code::DepotFileChanged);
        assert!(taken < bytes.len());
    }

    fn a_server_that_is_away_for_a_moment_is_waited_for(mut_depot) {
        let mut depot = mut_depot;
        let bytes = noise(7, 5_000_000);
        depot.local("LOT.zip", &bytes);
        depot.server.vanish();
        let command = depot.command(&["archive", "send", "LOT.zip", "--depot", depot.name()]);
        let log = depot.inside("../sender.log");
        let mut child = process::start(&command, Fate::Kill, &log).unwrap();
        wait::until("a first try", Duration::from_secs(30), || (depot.proxy().refused() > 0).then_some(()));
        depot.server.appear();
        assert!(child.wait().unwrap().success(), "{}", fs::read_to_string(log).unwrap());
        assert!(fs::read(depot.inside("in/LOT.zip")).unwrap() == bytes);
    }

    /// The same source again over a line, cut after cut: it ends, for something gets through each time.
    fn a_line_that_is_cut_again_and_again_gets_there(depot) {
        let bytes = noise(8, usize::try_from(SIZE).unwrap());
        let mut line = Line::new(read(&depot), Clock::system());
        let size = bytes.len() as u64;
        depot.proxy().cut_each(8_000_000);
        upload_over(&mut line, "in", "LOT.zip", &mut std::io::Cursor::new(&bytes), size).unwrap();
        depot.proxy().restore();
        assert!(depot.proxy().cuts() >= 2, "{}", depot.proxy().cuts());
        assert!(fs::read(depot.inside("in/LOT.zip")).unwrap() == bytes);
    }
}

fn taken(line: &mut Line, listed: &Listed) -> navette::kernel::fault::Result<Vec<u8>> {
    let mut taken = Vec::new();
    transport::download_over(line, "in/LOT.zip", listed, 0, &mut |more| {
        taken.extend_from_slice(more);
        Ok(())
    })?;
    Ok(taken)
}
