//! Two who write the same at once: one does it, the other is told, and nobody meets a fault of ours.

use serde_json::{Value, json};

use super::subscriptions::{one, path};
use crate::{
    both_engines,
    kit::{
        client::Answer,
        hubee::{
            FOLDERS, REFERENTIAL,
            build::{self, File},
            hub::Hub,
            referential::{
                IDLE_SI, OSL, OTHER_OSL, PROCESS, SI, SILENT, identifier, organization, process,
                subscription,
            },
        },
    },
};

/// How often each race is run.
const ROUNDS: usize = 12;

/// The counts of subscriptions that are not those of the rows.
const WRONG_COUNTS: &str = "SELECT count(*) FROM hub_subscription_count c WHERE c.n <> (SELECT count(*) FROM hub_subscription s \
    WHERE s.process_code = c.process_code AND s.status = c.status)";

/// Fails unless one of them was done, and the others are told that it exists.
#[track_caller]
fn is_done_once(answers: &[Answer], done: u16) {
    let told = answers.iter().filter(|answer| answer.status != done);
    told.for_each(|answer| answer.is_bad(&["already exists"]));
    let count = answers.iter().filter(|answer| answer.status == done);
    assert_eq!(count.count(), 1, "{answers:?}");
}

/// The same object, posted four times at once by two clients.
async fn posted(hub: &Hub, path: &str, object: &Value) -> [Answer; 4] {
    let (admin, datapass) = (&hub.admin, &hub.datapass);
    tokio::join!(
        admin.post(path, object),
        datapass.post(path, object),
        admin.post(path, object),
        datapass.post(path, object),
    )
    .into()
}

/// A subscription of a new organisation.
async fn subscribed(hub: &Hub, subscriber: &str, code: &str) -> Value {
    let organizations = format!("{REFERENTIAL}/organizations");
    let (made, said) = (organization(subscriber), subscription(subscriber, code));
    hub.admin.post(&organizations, &made).await.of(201);
    hub.datapass.post(&path(""), &said).await.of(201).json()
}

both_engines! {
    /// R50, R51, R52: what is created by several at once exists once, and the others are told that it does.
    async fn what_several_create_at_once_exists_once(kit) {
        let hub = Hub::open(kit).await;
        for number in 0..ROUNDS {
            let id = format!("SI-99820003400010-C{number}");
            is_done_once(&posted(&hub, &format!("{REFERENTIAL}/organizations"), &organization(&id)).await, 201);
            is_done_once(&posted(&hub, &path(""), &subscription(&id, PROCESS)).await, 201);
            let made = process(&format!("COURSE{number}"), OSL);
            let at = format!("{REFERENTIAL}/processes");
            let (a, b, c) = tokio::join!(hub.admin.post(&at, &made), hub.admin.post(&at, &made), hub.admin.post(&at, &made));
            is_done_once(&[a, b, c], 201);
        }
        assert_eq!(hub.count(WRONG_COUNTS), 0);
    }

    /// R52: of subscriptions that are moved to one place at once, and one that is created there meanwhile, one gets it; the
    /// others stay what they were.
    async fn subscriptions_that_go_to_one_place_at_once_do_not_meet_there(kit) {
        let hub = Hub::open(kit).await;
        for number in 0..ROUNDS {
            let mut moved = Vec::new();
            for name in ["A", "B", "C"] {
                moved.push(subscribed(&hub, &format!("SI-99820003400010-{name}{number}"), PROCESS).await);
            }
            let place = format!("SI-99820003400010-P{number}");
            hub.admin.post(&format!("{REFERENTIAL}/organizations"), &organization(&place)).await.of(201);
            let there = |one: &Value| {
                let mut one = one.clone();
                one["subscriber"] = identifier(&place);
                one["processCode"] = SILENT.into();
                one
            };
            let paths: Vec<String> = moved.iter().map(one).collect();
            let said: Vec<Value> = moved.iter().map(there).collect();
            let (new, all) = (subscription(&place, SILENT), path(""));
            let (a, b, c, d) = tokio::join!(
                hub.admin.put(&paths[0], &said[0]),
                hub.admin.put(&paths[1], &said[1]),
                hub.admin.put(&paths[2], &said[2]),
                hub.datapass.post(&all, &new),
            );
            // What was created is 201, what was moved 200.
            let answers = [a, b, c, d];
            let done = answers.iter().find(|answer| answer.status < 300).map(|answer| answer.status);
            is_done_once(&answers, done.expect("one of them is done"));
            let those = format!("SELECT count(*) FROM hub_subscription WHERE subscriber = '{place}'");
            assert_eq!(hub.count(&those), 1);
        }
        assert_eq!(hub.count(WRONG_COUNTS), 0);
    }

    /// R52, R53: of two who replace one object at once the last one's word stands, and the totals of the lists are right.
    async fn an_object_that_is_replaced_by_several_at_once_is_counted_once(kit) {
        let hub = Hub::open(kit).await;
        let known = hub.datapass.post(&path(""), &subscription(IDLE_SI, PROCESS)).await.of(201).json();
        let (subscribed, administration) = (one(&known), format!("{REFERENTIAL}/organizations/{IDLE_SI}"));
        let mut words = [known.clone(), known.clone(), known];
        for (word, (status, code)) in words.iter_mut().zip([("Inactif", PROCESS), ("Suspendu", SILENT), ("Actif", PROCESS)]) {
            word["status"] = status.into();
            word["processCode"] = code.into();
        }
        let mut said = organization(IDLE_SI);
        for number in 0..ROUNDS {
            said["name"] = format!("Renommée {number}").into();
            let (a, b, c, d, e) = tokio::join!(
                hub.admin.put(&subscribed, &words[0]),
                hub.admin.put(&subscribed, &words[1]),
                hub.admin.put(&subscribed, &words[2]),
                hub.admin.put(&administration, &said),
                hub.admin.put(&administration, &said),
            );
            [a, b, c, d, e].into_iter().for_each(|answer| drop(answer.of(200)));
        }
        assert_eq!(hub.count(WRONG_COUNTS), 0, "{}", hub.sql("SELECT process_code, status, n FROM hub_subscription_count"));
        let mut owned = process("COURSE", OSL);
        hub.admin.post(&format!("{REFERENTIAL}/processes"), &owned).await.of(201);
        let at = format!("{REFERENTIAL}/processes/COURSE");
        let first = owned.clone();
        owned["osl"] = identifier(OTHER_OSL);
        for _ in 0..ROUNDS {
            let (a, b) = tokio::join!(hub.admin.put(&at, &owned), hub.admin.put(&at, &first));
            [a, b].into_iter().for_each(|answer| drop(answer.of(200)));
        }
        let read = hub.admin.get(&at).await.of(200).json();
        assert!([&first["osl"], &owned["osl"]].contains(&&read["osl"]), "{}", json!(read));
    }

    /// R52: a replacement that says no status leaves the one of the moment: what another suspends meanwhile stays suspended.
    async fn a_status_that_is_not_said_is_that_of_the_moment(kit) {
        let hub = Hub::open(kit).await;
        let known = hub.datapass.post(&path(""), &subscription(IDLE_SI, PROCESS)).await.of(201).json();
        let (at, mut suspended, mut silent) = (one(&known), known.clone(), known.clone());
        suspended["status"] = "Suspendu".into();
        silent["status"] = Value::Null;
        for number in 0..ROUNDS {
            hub.admin.put(&at, &known).await.of(200);
            silent["email"] = format!("adresse{number}@exemple.fr").into();
            let (a, b, c) = tokio::join!(hub.admin.put(&at, &silent), hub.admin.put(&at, &suspended), hub.admin.put(&at, &silent));
            [a, b, c].into_iter().for_each(|answer| drop(answer.of(200)));
            assert_eq!(hub.admin.get(&at).await.of(200).json()["status"], "Suspendu", "{number}");
        }
        assert_eq!(hub.count(WRONG_COUNTS), 0);
    }

    /// R20: a process that is given to another organisation while a folder of it is created either stays, or has no folder.
    async fn a_folder_and_its_process_never_have_two_owners(kit) {
        let hub = Hub::open(kit).await;
        let (mut given, mut kept) = (0, 0);
        for number in 0..2 * ROUNDS {
            let code = format!("COURSE{number}");
            let mut owned = process(&code, OSL);
            hub.admin.post(&format!("{REFERENTIAL}/processes"), &owned).await.of(201);
            hub.datapass.post(&path(""), &subscription(SI, &code)).await.of(201);
            owned["osl"] = identifier(OTHER_OSL);
            let mut wanted = build::folder(&code, &[File::pdf(&code)]);
            wanted["processCode"] = code.clone().into();
            let (at, folders) = (format!("{REFERENTIAL}/processes/{code}"), format!("{FOLDERS}/folders"));
            let (moved, made) = tokio::join!(hub.admin.put(&at, &owned), hub.osl.post(&folders, &wanted));
            match (moved.status, made.status) {
                (200, 400 | 403) => given += 1,
                (400, 201) => kept += 1,
                both => panic!("{both:?}: {moved:?} {made:?}"),
            }
        }
        let torn = "SELECT count(*) FROM hub_folder f JOIN hub_process p ON p.code = f.process_code WHERE p.osl <> f.osl";
        assert_eq!((hub.count(torn), given + kept), (0, 2 * ROUNDS));
    }
}
