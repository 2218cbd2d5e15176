//! The data directory: held by one process, described by a file, with a place for everything.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use omnix_model::LogId;
use omnix_storage::{DataDirectory, DirectoryError, Format, FormatError, ModelFiles};

fn format(shards: usize) -> Format {
    Format::new("shop", shards).unwrap()
}

#[test]
fn what_was_made_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    let made = DataDirectory::create(&root, format(2)).unwrap();
    for log in made.format().current_logs() {
        assert!(made.log_path(log).is_dir() && made.state_path(log).is_dir());
    }
    let log = made.format().log(LogId(1)).unwrap();
    assert_eq!(made.state_path(log), root.join("shard-0001/state/00001"));
    drop(made);
    assert_eq!(DataDirectory::open(&root).unwrap().format(), &format(2));
    let again = DataDirectory::create(&root, format(2));
    assert!(matches!(again, Err(DirectoryError::Exists(_))), "got {again:?}");
}

#[test]
fn one_holds_it_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let held = DataDirectory::create(dir.path(), format(1)).unwrap();
    let second = DataDirectory::open(dir.path());
    assert!(matches!(second, Err(DirectoryError::InUse(_))), "got {second:?}");
    assert_eq!(
        DataDirectory::read_format(dir.path()).unwrap(),
        format(1),
        "it can be looked at all the same"
    );
    drop(held);
    DataDirectory::open(dir.path()).unwrap();
}

#[test]
fn what_is_no_data_directory_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_owned(), dir.path().join("none")] {
        assert!(matches!(DataDirectory::open(&path), Err(DirectoryError::Missing(_))));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_newer_format_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("FORMAT"), "omnix-data 99\nwhatever").unwrap();
    let opened = DataDirectory::open(dir.path());
    let Err(DirectoryError::Format { error, .. }) = opened else { panic!("got {opened:?}") };
    assert_eq!(error, FormatError::Newer { found: 99 });
    assert!(!dir.path().join("LOCK").exists());
}

#[test]
fn another_number_of_shards_opens_new_logs() {
    let dir = tempfile::tempdir().unwrap();
    let mut directory = DataDirectory::create(dir.path(), format(2)).unwrap();
    let old: Vec<_> = directory.format().current_logs().collect();
    directory.adopt(format(2).with_shards(3).unwrap()).unwrap();
    drop(directory);
    let directory = DataDirectory::open(dir.path()).unwrap();
    let new: Vec<_> = directory.format().current_logs().collect();
    assert_eq!(new.iter().map(|log| log.id.0).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(directory.remove_stale_states().unwrap(), 2);
    assert_eq!(directory.remove_stale_states().unwrap(), 0);
    assert!(old.iter().all(|&log| !directory.state_path(log).exists() && directory.log_path(log).is_dir()));
    assert!(new.iter().all(|&log| directory.state_path(log).is_dir()));
}

#[test]
fn a_description_that_was_not_finished_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut directory = DataDirectory::create(dir.path(), format(2)).unwrap();
    fs::write(dir.path().join("FORMAT.tmp"), "omnix-da").unwrap();
    directory.adopt(format(2).with_shards(4).unwrap()).unwrap();
    fs::write(dir.path().join("FORMAT.tmp"), "omnix-da").unwrap();
    drop(directory);
    assert_eq!(DataDirectory::open(dir.path()).unwrap().format().shards(), 4);
}

#[test]
fn a_secret_is_drawn_once_and_for_the_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let directory = DataDirectory::create(dir.path(), format(1)).unwrap();
    assert_eq!(directory.hash_secret(|| [7; 32]).unwrap(), [7; 32]);
    assert_eq!(directory.hash_secret(|| panic!("drawn again")).unwrap(), [7; 32]);
    let path = dir.path().join("secret/hash");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&path, "short").unwrap();
    let weak = directory.hash_secret(|| [9; 32]);
    assert!(matches!(weak, Err(DirectoryError::WeakSecret(_))), "a given secret is not replaced");
}

#[test]
fn models_are_kept_until_they_are_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let directory = DataDirectory::create(dir.path(), format(1)).unwrap();
    let models = directory.models().unwrap();
    for number in [9, 10, 1, 2] {
        models.write(number, &[u8::try_from(number).unwrap(); 3]).unwrap();
    }
    models.write(2, b"again").unwrap();
    assert_eq!(models.list().unwrap(), [1, 2, 9, 10]);
    assert_eq!(models.read(2).unwrap().as_deref(), Some(b"again".as_slice()));
    assert_eq!(models.read(3).unwrap(), None);
    assert_eq!(models.prune(|number| number >= 9).unwrap(), 2);
    assert_eq!(directory.models().unwrap().list().unwrap(), [9, 10]);
}

#[test]
fn of_models_that_are_there_twice_the_file_of_its_own_may_go() {
    let dir = tempfile::tempdir().unwrap();
    let directory = DataDirectory::create(dir.path(), format(1)).unwrap();
    let models = directory.models().unwrap();
    for number in 1..=4 {
        models.append(number, b"small").unwrap();
        models.write(number, b"much larger").unwrap();
    }
    models.write(5, b"alone").unwrap();
    assert_eq!(models.bytes(2, 4).unwrap(), 2 * (5 + 11));
    assert_eq!(models.bytes(5, 9).unwrap(), 5);
    assert_eq!(
        models.drop_doubles(|number, appended, alone| number != 3 && appended > 0 && alone > 0).unwrap(),
        3,
        "5 is there once"
    );
    let models = directory.models().unwrap();
    let read = |number| models.read(number).unwrap().unwrap();
    assert_eq!((read(1), read(3)), (b"small".to_vec(), b"much larger".to_vec()));
    assert_eq!(models.list().unwrap(), [1, 2, 3, 4, 5]);
}

#[test]
fn what_was_not_finished_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let directory = DataDirectory::create(dir.path(), format(1)).unwrap();
    let models = directory.models().unwrap();
    let leftover = |name: &str| fs::write(dir.path().join("models").join(name), "half").unwrap();
    ["1.tmp", "01", "+1", "x"].into_iter().for_each(leftover);
    assert!(models.list().unwrap().is_empty());
    models.write(1, b"whole").unwrap();
    assert_eq!(models.read(1).unwrap().as_deref(), Some(b"whole".as_slice()));
    assert!(!Path::exists(&dir.path().join("models/1.tmp")));
}

#[test]
fn models_that_follow_each_other_share_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let directory = DataDirectory::create(dir.path(), format(1)).unwrap();
    let models = directory.models().unwrap();
    let file = |name: &str| dir.path().join("models").join(name);
    let bytes = |number: u64| format!("model {number}").repeat(usize::try_from(number).unwrap()).into_bytes();
    let append = |models: &ModelFiles, numbers: std::ops::Range<u64>| {
        numbers.for_each(|number| models.append(number, &bytes(number)).unwrap());
    };
    append(&models, 1..4);
    models.write(4, b"alone").unwrap();
    append(&models, 5..8);
    let names = ["1.run", "4", "5.run"];
    assert_eq!(fs::read_dir(dir.path().join("models")).unwrap().count(), names.len());
    assert!(names.iter().all(|name| file(name).exists()));
    // The process ends and the next goes on; then one dies in the middle of an append, and another one goes on.
    let models = directory.models().unwrap();
    append(&models, 8..10);
    for torn in 1..20 {
        let mut run = OpenOptions::new().append(true).open(file("8.run")).unwrap();
        let whole = run.metadata().unwrap().len();
        let mut frame = fs::read(file("5.run")).unwrap();
        frame.truncate(torn);
        run.write_all(&frame).unwrap();
        assert_eq!(directory.models().unwrap().list().unwrap(), (1..10).collect::<Vec<_>>(), "{torn}");
        // The space was taken, the bytes did not arrive.
        run.set_len(whole).unwrap();
        run.set_len(whole + 64).unwrap();
        assert_eq!(directory.models().unwrap().list().unwrap().last(), Some(&9));
    }
    let models = directory.models().unwrap();
    append(&models, 10..11);
    let models = directory.models().unwrap();
    for number in (1..11).filter(|number| *number != 4) {
        assert_eq!(models.read(number).unwrap().unwrap(), bytes(number));
    }
    models.write(6, b"whole").unwrap();
    assert_eq!(models.read(6).unwrap().as_deref(), Some(b"whole".as_slice()));
    assert_eq!(models.prune(|number| number > 6).unwrap(), 5, "1, 2 and 3, and 4 and 6 alone");
    assert_eq!(models.list().unwrap(), (5..11).collect::<Vec<_>>(), "7 is wanted, and lies with 5 and 6");
    let run = fs::read(file("5.run")).unwrap();
    for at in 0..run.len() {
        let mut damaged = run.clone();
        damaged[at] ^= 1;
        fs::write(file("5.run"), damaged).unwrap();
        let read: Vec<_> = (5..8).map(|number| models.read(number)).collect();
        assert_eq!(read.iter().filter(|read| read.is_err()).count(), 1, "byte {at}");
    }
}

#[test]
fn it_knows_its_room() {
    let dir = tempfile::tempdir().unwrap();
    let directory = DataDirectory::create(dir.path(), format(1)).unwrap();
    let space = directory.space().unwrap();
    assert!(space.total_bytes > 0);
    assert!(space.is_short(Some(u64::MAX)));
    assert!(!space.is_short(Some(0)));
}

#[test]
fn chapters_lie_beside_their_log_and_are_had_in_part() {
    let dir = tempfile::tempdir().unwrap();
    let directory = DataDirectory::create(dir.path(), format(2)).unwrap();
    let log = directory.format().current_logs().nth(1).unwrap();
    let chapters = directory.chapters(log).unwrap();
    assert!(chapters.list().unwrap().is_empty());
    chapters.write(900, b"second").unwrap();
    chapters.write(0, b"first").unwrap();
    chapters.write(0, b"again").unwrap();
    fs::write(dir.path().join("shard-0001/chapters/00001/00000000000000000007.tmp"), b"half").unwrap();
    assert_eq!(chapters.list().unwrap(), [0, 900], "what was not finished is none");
    assert_eq!(chapters.read(0, 1, 3).unwrap(), b"gai");
    assert!(chapters.read(0, 3, 3).is_err() && chapters.read(5, 0, 1).is_err());
    chapters.remove(0).unwrap();
    chapters.remove(0).unwrap();
    assert_eq!(directory.chapters(log).unwrap().list().unwrap(), [900]);
    assert!(directory.log_path(log).exists(), "the log is not touched");
}
