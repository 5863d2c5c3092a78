//! Runs one check on many inputs, for a while: those that failed before, then made ones.
//!
//! **Invariant:** the inputs of a run, one after the other, are the same in every run; the time decides how many of
//! them are reached.
//! **Invariant:** an input is on disk before it is tried, so that one which ends the process is known afterwards: the
//! next run tries it first.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::abort,
    sync::{Arc, Mutex, Once},
    thread,
    time::{Duration, Instant},
};

use mops_model::Digest;
use nix::sys::resource::{Resource, setrlimit};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

/// How long each fuzzer runs among the other tests.
pub(crate) const SHORT: Duration = Duration::from_secs(20);
/// How long it runs in `make soak`.
pub(crate) const LONG: Duration = Duration::from_hours(1);

/// How often a long run says how far it is.
const SAID_EVERY: Duration = Duration::from_mins(5);

/// The longest that one input may take. An evaluation ends itself after 30 seconds.
const HANGS: Duration = Duration::from_mins(2);
/// The memory of the whole process, stacks included: 6 GiB for two evaluations at once.
const MEMORY: u64 = 6 << 30;
/// How many inputs share a seed.
const ROUND: u32 = 256;

/// What to do with bytes.
pub(crate) struct Fuzzer<'a> {
    /// Its name, and that of the folder of what it found.
    pub(crate) name: &'static str,
    /// How a test calls it: `scripts::try_one`.
    pub(crate) shown: &'static str,
    /// Panics when something is wrong; otherwise names the family of what came of the input.
    pub(crate) check: &'a dyn Fn(&[u8]) -> String,
}

impl Fuzzer<'_> {
    /// Tries what failed before, then what `inputs` makes, until `time` is over. Prints what came of them.
    pub(crate) fn run(&self, inputs: &impl Strategy<Value = Vec<u8>>, time: Duration) {
        bound_memory();
        let (begin, current) = (Instant::now(), Current::new(self.name));
        for path in self.earlier() {
            current.begin(&fs::read(&path).unwrap());
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (self.check)(&fs::read(&path).unwrap()))) {
                eprintln!("it was found before: {}", path.display());
                std::panic::resume_unwind(panic);
            }
        }
        current.forget_earlier();
        let came_of = Mutex::new(BTreeMap::<String, u64>::new());
        let (mut seed, mut said) = (0_u64, Instant::now());
        let is_over = || begin.elapsed() > time;
        while !is_over() {
            self.round(seed, inputs, &|input| match is_over() {
                true => Ok(()),
                false => self.one(input, &current, &came_of),
            });
            seed += 1;
            if said.elapsed() > SAID_EVERY {
                said = Instant::now();
                self.say(&came_of.lock().unwrap());
            }
        }
        let came_of = came_of.into_inner().unwrap();
        self.say(&came_of);
        let mut families: Vec<_> = came_of.into_iter().collect();
        families.sort_by_key(|(name, count)| (u64::MAX - count, name.clone()));
        for (family, count) in families {
            println!("{count:>9} {family}");
        }
    }

    fn say(&self, came_of: &BTreeMap<String, u64>) {
        println!("{}: {} inputs in {} families", self.name, came_of.values().sum::<u64>(), came_of.len());
    }

    fn round(
        &self,
        seed: u64,
        inputs: &impl Strategy<Value = Vec<u8>>,
        one: &dyn Fn(&[u8]) -> Result<(), TestCaseError>,
    ) {
        let config =
            Config { cases: ROUND, failure_persistence: None, max_shrink_time: 60_000, ..Config::default() };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        match TestRunner::new_with_rng(config, random).run(inputs, |input| one(&input)) {
            Ok(()) => (),
            Err(TestError::Fail(_, input)) => self.found(&input),
            Err(TestError::Abort(why)) => panic!("no inputs: {why}"),
        }
    }

    fn one(
        &self,
        input: &[u8],
        current: &Current,
        came_of: &Mutex<BTreeMap<String, u64>>,
    ) -> Result<(), TestCaseError> {
        current.begin(input);
        let family = catch_unwind(AssertUnwindSafe(|| (self.check)(input)))
            .map_err(|_| TestCaseError::fail("it panics"))?;
        *came_of.lock().unwrap().entry(family).or_default() += 1;
        Ok(())
    }

    /// Keeps `input` and fails with a test to paste.
    fn found(&self, input: &[u8]) {
        let digest = Digest::of(input).to_string();
        let name = &digest[digest.len() - 12..];
        let path = kept(self.name).join(name);
        fs::create_dir_all(kept(self.name)).unwrap();
        fs::write(&path, input).unwrap();
        panic!(
            "{} fails; the input is kept as {}\n\n#[test]\nfn found_{name}() {{\n    {}(b\"{}\");\n}}\n",
            self.name,
            path.display(),
            self.shown,
            input.escape_ascii()
        );
    }

    /// Inputs that failed, and those that ended a process.
    fn earlier(&self) -> Vec<PathBuf> {
        [kept(self.name), current(self.name)].iter().flat_map(|it| files(it)).collect()
    }
}

/// The input that is being tried, on disk and under watch.
struct Current {
    folder: PathBuf,
    path: PathBuf,
    began: Arc<Mutex<Option<Instant>>>,
}

impl Current {
    fn new(name: &str) -> Self {
        let folder = current(name);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(std::process::id().to_string());
        let began = Arc::new(Mutex::new(None::<Instant>));
        let (watched, shown) = (Arc::clone(&began), path.clone());
        thread::spawn(move || {
            while Arc::strong_count(&watched) > 1 {
                thread::sleep(Duration::from_secs(1));
                if watched.lock().unwrap().is_some_and(|it| it.elapsed() > HANGS) {
                    eprintln!("this input hangs: {}", shown.display());
                    abort();
                }
            }
        });
        Self { folder, path, began }
    }

    fn begin(&self, input: &[u8]) {
        fs::write(&self.path, input).unwrap();
        *self.began.lock().unwrap() = Some(Instant::now());
    }

    /// Inputs that ended a process and no longer do are worth nothing.
    fn forget_earlier(&self) {
        let is_over = |it: &PathBuf| !Path::new("/proc").join(it.file_name().unwrap()).exists();
        files(&self.folder).iter().filter(|it| is_over(it)).for_each(|it| fs::remove_file(it).unwrap());
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        fs::remove_file(&self.path).unwrap();
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/kept").join(name)
}

fn current(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz").join(name)
}

fn bound_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY).unwrap());
}
