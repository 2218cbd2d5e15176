//! What is kept of models gives them back, whatever was kept of which, and says when it does not.

use omnix_engine::{Lessons, Measured, Model, Observation, Order, Tally};
use omnix_model::{Lane, Timestamp};

use super::*;

/// Keeps models 1 to `count` of a history in `files`; gives them.
fn history(files: &MemoryModels, count: u64) -> Vec<Arc<Model>> {
    let models = Arc::new(Models::new(Box::new(files.clone())));
    let mut model = Arc::new(Model::seed());
    (1..=count)
        .map(|number| {
            let lessons = lessons(number);
            let announced = models.announce(number, lessons.name_after(&model), &lessons).unwrap();
            model = Arc::new(lessons.fold(&model));
            match announced {
                Some(_announced) => models.hold(&model),
                None => models.keep_live(&model, &lessons).unwrap(),
            }
            Arc::clone(&model)
        })
        .collect()
}

fn lessons(number: u64) -> Lessons {
    let mut tally = Tally::default();
    let measured = Measured { y: number as f64, within: None, residual: None };
    let order = Order { whole: measured, for_lines: measured, score: None };
    tally.absorb(&[Observation::Order(order)]);
    Lessons::new(
        vec![(Lane::FIRST, tally)],
        Timestamp::from_ms_clamped(number.cast_signed() * Timestamp::DAY_MS),
    )
}

fn is_whole(files: &MemoryModels, number: u64) -> bool {
    !file::is_lessons(&files.read(number).unwrap().unwrap())
}

#[test]
fn every_model_of_a_history_comes_back_from_what_is_kept() {
    let files = MemoryModels::default();
    let kept = history(&files, 140);
    let wholes: Vec<u64> = (1..=140).filter(|number| is_whole(&files, *number)).collect();
    assert_eq!(wholes, [64, 128]);
    for model in &kept {
        // As after a start: nothing is held.
        let models = Models::new(Box::new(files.clone()));
        assert_eq!(models.named(model.number(), model.hash()).unwrap(), *model);
    }
    let models = Models::new(Box::new(files));
    assert!(matches!(models.named(40, 1), Err(ModelError::Different(40))));
    assert!(matches!(models.named(141, 1), Err(ModelError::Missing(141))));
}

#[test]
fn models_that_no_lane_works_with_are_let_go_and_read_again_when_asked_for() {
    let files = MemoryModels::default();
    let kept = history(&files, 3);
    let models = Models::new(Box::new(files));
    models.by_number(3).unwrap();
    models.let_go_below(3);
    let held: Vec<u64> = models.lock().models.iter().map(|model| model.number()).collect();
    assert_eq!(held, [3]);
    assert_eq!(models.by_number(2).unwrap().as_ref(), Some(&kept[1]));
}

#[test]
fn damage_below_a_model_is_told_and_later_whole_ones_do_not_care() {
    let files = MemoryModels::default();
    let kept = history(&files, 140);
    for at in [3, 12, 30] {
        let mut bytes = files.read(40).unwrap().unwrap();
        bytes[at] ^= 1;
        files.write(40, &bytes).unwrap();
        let models = Models::new(Box::new(files.clone()));
        assert!(matches!(models.by_number(50), Err(ModelError::Different(40))), "byte {at}");
        assert_eq!(models.by_number(39).unwrap().unwrap(), kept[38]);
        assert_eq!(models.by_number(140).unwrap().unwrap(), kept[139]);
        history(&files, 40);
    }
    // A whole and sound file of another model.
    files.write(40, &file::of_model(&kept[40])).unwrap();
    assert!(matches!(Models::new(Box::new(files)).by_number(40), Err(ModelError::Different(40))));
}

#[test]
fn pruning_spares_what_the_models_that_stay_are_read_from() {
    let files = MemoryModels::default();
    let kept = history(&files, 140);
    let models = Models::new(Box::new(files.clone())).keeping_past(0);
    assert_eq!(models.prune(100).unwrap(), 63);
    assert_eq!(files.list().unwrap(), (64..=140).collect::<Vec<_>>());
    assert_eq!(Models::new(Box::new(files.clone())).by_number(100).unwrap().unwrap(), kept[99]);
    assert_eq!(models.prune(128).unwrap(), 64, "it needs none before it");
    models.keep_whole(139).unwrap();
    assert!(is_whole(&files, 139) && is_whole(&files, 140));
    assert_eq!(models.prune(140).unwrap(), 12);
    assert_eq!(Models::new(Box::new(files.clone())).by_number(140).unwrap().unwrap(), kept[139]);
}

#[test]
fn the_past_stays_as_far_back_as_there_is_room_for_it() {
    let files = MemoryModels::default();
    let kept = history(&files, 300);
    let group = |from| ModelStore::bytes(&files, from, from + 64).unwrap();
    let room = group(64) + group(128);
    let models = Models::new(Box::new(files.clone())).keeping_past(room);
    assert_eq!(models.prune(200).unwrap(), 63, "the first group");
    assert_eq!(models.prune(200).unwrap(), 0);
    assert_eq!(files.list().unwrap(), (64..=300).collect::<Vec<_>>());
    assert_eq!(Models::new(Box::new(files.clone())).by_number(65).unwrap().unwrap(), kept[64]);
    assert_eq!(Models::new(Box::new(files.clone())).keeping_past(room - 1).prune(200).unwrap(), 64);
    assert_eq!(Models::new(Box::new(files)).nearest(100).unwrap(), kept[127], "the oldest that is newer");
}

#[test]
fn of_a_live_model_lessons_are_left_when_it_is_old() {
    let dir = tempfile::tempdir().unwrap();
    let format = omnix_storage::Format::new("s", 1).unwrap();
    let directory = omnix_storage::DataDirectory::create(&dir.path().join("d"), format).unwrap();
    let files = directory.models().unwrap();
    let models = Models::new(Box::new(files.clone()));
    let mut model = Arc::new(Model::seed());
    let kept: Vec<Arc<Model>> = (1..=140)
        .map(|number| {
            let lessons = lessons(number);
            model = Arc::new(lessons.fold(&model));
            models.keep_live(&model, &lessons).unwrap();
            Arc::clone(&model)
        })
        .collect();
    let is_whole = |number: u64| !file::is_lessons(&files.read(number).unwrap().unwrap());
    assert!((1..=140).all(is_whole), "a start reads one file");
    models.prune(100).unwrap();
    let wholes: Vec<u64> = (1..=140).filter(|number| is_whole(*number)).collect();
    assert_eq!(wholes, [vec![64], (100..=140).collect()].concat());
    for model in &kept {
        let models = Models::new(Box::new(files.clone()));
        assert_eq!(models.named(model.number(), model.hash()).unwrap(), *model);
    }
}

#[test]
fn a_model_whose_lessons_weigh_nearly_as_much_stays_whole_beside_them() {
    let dir = tempfile::tempdir().unwrap();
    let format = omnix_storage::Format::new("s", 1).unwrap();
    let directory = omnix_storage::DataDirectory::create(&dir.path().join("d"), format).unwrap();
    let files = directory.models().unwrap();
    let models = Arc::new(Models::new(Box::new(files.clone())));
    let mut model = Arc::new(Model::seed());
    let mut expected = Vec::new();
    for number in 1..=20 {
        let lessons = lessons(number);
        let name = lessons.name_after(&model);
        let announced = models.announce(number, name, &lessons).unwrap().unwrap();
        model = Arc::new(lessons.fold(&model));
        announced.fulfil(&model);
        let (part, whole) = (file::of_lessons(name, &lessons).len(), file::of_model(&model).len());
        expected.extend((number % 2 == 0 && part * 4 >= whole).then_some(number));
    }
    let is_whole = |number: &u64| !file::is_lessons(&files.read(*number).unwrap().unwrap());
    let wholes = || (1..=20).filter(is_whole).collect::<Vec<u64>>();
    assert_eq!(wholes(), expected);
    // A live model leaves its lessons behind, a waypoint stays.
    files.write(7, &file::of_model(&models.by_number(7).unwrap().unwrap())).unwrap();
    assert!(is_whole(&7));
    files.append(64, b"the group behind").unwrap();
    models.prune(64).unwrap();
    assert_eq!(wholes(), expected);
    assert!(!is_waypoint(3, 100, 1) && !is_waypoint(2, 24, 100) && is_waypoint(2, 25, 100));
}

#[test]
fn what_was_used_last_is_held_whatever_newer_ones_there_are() {
    let files = MemoryModels::default();
    let kept = history(&files, 60);
    let models = Models::new(Box::new(files.clone()));
    models.by_number(60).unwrap().unwrap();
    models.by_number(5).unwrap().unwrap();
    // As a second shard is brought forward behind a first: nothing is read and folded a second time.
    (1..=5).for_each(|number| files.write(number, b"gone").unwrap());
    assert_eq!(models.by_number(5).unwrap().unwrap(), kept[4]);
    assert_eq!(models.by_number(6).unwrap().unwrap(), kept[5]);
}

#[test]
fn who_asks_for_a_model_that_is_being_folded_waits_for_it() {
    let files = MemoryModels::default();
    let models = Arc::new(Models::new(Box::new(files)));
    let (seed, lessons) = (Model::seed(), lessons(1));
    let name = lessons.name_after(&seed);
    let asked = || {
        let models = Arc::clone(&models);
        std::thread::spawn(move || models.named(1, name))
    };
    let announced = models.announce(1, name, &lessons).unwrap().unwrap();
    let waiting = asked();
    let _tick = crossbeam_channel::after(std::time::Duration::from_millis(20)).recv();
    assert!(!waiting.is_finished());
    let folded = Arc::new(lessons.fold(&seed));
    models.hold(&folded);
    drop(announced);
    assert!(Arc::ptr_eq(&waiting.join().unwrap().unwrap(), &folded), "folded once");
    // One that was given up is folded by whoever needs it: its lessons are kept.
    let models = Arc::new(Models::new(Box::new(MemoryModels::default())));
    drop(models.announce(1, name, &lessons).unwrap());
    assert_eq!(models.named(1, name).unwrap(), folded);
}
