//! The command line: what can be said, and nothing of how it is done.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use omnix_model::{InsightKind, Priority};

/// Real-time customer insights for retail: events in, insights out, one binary.
#[derive(Debug, Parser)]
#[command(name = "omnix", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server (opens the data directory, makes it if there is none)
    Serve(ServeArgs),
    /// Run a simulated shop, live, with nothing to set up (opens a directory of its own)
    Demo(DemoArgs),
    /// Print a token for a role (reads the data directory, also while a server runs on it)
    Token(TokenArgs),
    /// Take a history in, on history's own time (opens the data directory)
    Import(ImportArgs),
    /// Publish events from a file or from standard input (talks to a server)
    Send(SendArgs),
    /// Show insights as they are raised (talks to a server)
    Tail(TailArgs),
    /// Say how the server does; the exit code says it too (talks to a server)
    Status(RemoteArgs),
    /// Customers (talks to a server, or opens the data directory with --offline)
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Insights (talks to a server, or opens the data directory with --offline)
    #[command(subcommand)]
    Insight(InsightCommand),
    /// Say how an insight came about (talks to a server, or opens the data directory with --offline)
    Explain(ExplainArgs),
    /// What was learnt, and how well (talks to a server, or opens the data directory with --offline)
    #[command(subcommand)]
    Learn(LearnCommand),
    /// Refused events: list, show, replay (talks to a server, or --offline but for replay)
    #[command(subcommand)]
    Rejected(RejectedCommand),
    /// Say what state a data directory is in (reads it, also while a server runs on it)
    Doctor(DoctorArgs),
    /// Apply the whole log again; compare or replace what is stored (opens the data directory)
    Rebuild(RebuildArgs),
    /// Send a history through the engine and write down every prediction (opens no directory)
    Replay(ReplayArgs),
    /// Hold predictions against what happened next, on your own history (reads files)
    Eval(EvalArgs),
    /// Measure this machine and this binary (starts servers of its own)
    Bench(BenchArgs),
    /// Settings: check, print, or their schema (reads file and environment)
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Where a data directory is, and the settings under which it is opened.
#[derive(Debug, Clone, Args)]
pub(crate) struct DirectoryArgs {
    /// The data directory [env: `OMNIX_DATA_DIR`] [default: omnix-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// A TOML file with settings: the same as the server's
    #[arg(long, env = "OMNIX_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Where a server is, or that there is none.
#[derive(Debug, Clone, Args)]
pub(crate) struct RemoteArgs {
    /// The server's address
    #[arg(long, env = "OMNIX_URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// A token for it (`omnix token`)
    #[arg(long, env = "OMNIX_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A server, or a directory that no server holds.
#[derive(Debug, Clone, Args)]
pub(crate) struct SourceArgs {
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    /// Open the data directory instead of asking a server
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Keep the shop's data here instead of in a directory that goes away
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    pub(crate) listen: String,
    /// End after so many seconds with a summary; without it, run until interrupted
    #[arg(long)]
    pub(crate) seconds: Option<u64>,
    /// Live events a second
    #[arg(long, default_value_t = 20.0)]
    pub(crate) rate: f64,
    /// How many customers the shop has, about
    #[arg(long, default_value_t = 850, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    pub(crate) customers: u32,
    /// The shop's seed
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Days of history before the present: those who left must have been gone for long enough to be missed
    #[arg(long, default_value_t = 210, value_parser = clap::value_parser!(u32).range(180..=1_000))]
    pub(crate) days: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleArg {
    Publisher,
    Analyst,
    Admin,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// What the token permits
    #[arg(long)]
    pub(crate) role: RoleArg,
    /// How long it is valid, such as 30m, 24h or 90d
    #[arg(long, default_value = "24h")]
    pub(crate) ttl: String,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FormatArg {
    /// One event a line, in the form of the API
    Ndjson,
    /// The CSV of the UCI data set "Online Retail"
    OnlineRetail,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file, plain, or gzip when its name ends in .gz
    pub(crate) path: PathBuf,
    /// How it is written
    #[arg(long)]
    pub(crate) format: FormatArg,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// A file with one event a line, or `-` for standard input
    #[arg(default_value = "-")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Channels, such as `insights`, `priority.critical` or `segment.at-risk`
    #[arg(long, default_value = "insights", value_delimiter = ',')]
    pub(crate) channel: Vec<String>,
    /// Go on behind this message
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CustomerCommand {
    /// Show one customer
    Show {
        /// The customer's id
        id: String,
        #[command(flatten)]
        source: SourceArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum InsightCommand {
    /// List insights, newest first
    List(InsightListArgs),
    /// Say what came of an insight
    Outcome {
        /// The customer's id
        customer: String,
        /// The insight's id
        insight: String,
        /// What came of it; `none` takes back what was said
        outcome: OutcomeArg,
        #[command(flatten)]
        source: SourceArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InsightListArgs {
    /// Of this customer only
    #[arg(long)]
    pub(crate) customer: Option<String>,
    /// Of this type only
    #[arg(long = "type", value_name = "TYPE", value_parser = InsightKind::ALL.map(InsightKind::name))]
    pub(crate) kind: Option<String>,
    /// Of this priority only
    #[arg(long, value_parser = Priority::ALL.map(Priority::name))]
    pub(crate) priority: Option<String>,
    /// Raised in the last so many hours
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=8_760))]
    pub(crate) hours: Option<u32>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutcomeArg {
    /// It was right, and good to know
    Useful,
    /// It was not so
    Wrong,
    /// Somebody did something about it
    Acted,
    /// Nobody has said
    None,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The customer's id
    pub(crate) customer: String,
    /// The insight's id (`omnix insight list` shows it)
    pub(crate) insight: String,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LearnCommand {
    /// Show each learner's labels, its log-loss beside its analytic fallback's, and which of them speaks
    Status {
        #[command(flatten)]
        source: SourceArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RejectedCommand {
    /// List rejected events, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        #[command(flatten)]
        source: SourceArgs,
    },
    /// Show one with its faults and its body
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        source: SourceArgs,
    },
    /// Publish one again, corrected or as it is (talks to a server)
    Replay {
        /// Its id
        id: String,
        /// A file with the corrected event, or `-` for standard input
        #[arg(long)]
        body: Option<String>,
        #[command(flatten)]
        remote: RemoteArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
    /// Note in the log that its damaged frames are lost, so that it takes events again
    #[arg(long)]
    pub(crate) accept_loss: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
    /// Compare only, change nothing
    #[arg(long)]
    pub(crate) verify: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistoryFormat {
    /// One event a line, in the form of the API
    Ndjson,
    /// The CSV of the UCI data set "Online Retail"
    OnlineRetail,
    /// Any table with columns for customer, product, time and amount, found by name
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// The history, plain, or gzip when its name ends in .gz
    pub(crate) path: PathBuf,
    /// How it is written; without it the first line tells
    #[arg(long)]
    pub(crate) format: Option<HistoryFormat>,
    /// A file of predictions; without it they are made first
    #[arg(long, value_name = "FILE")]
    pub(crate) predictions: Option<PathBuf>,
    /// Judge predictions from this day on (YYYY-MM-DD); without it the last third of the history
    #[arg(long, value_name = "DATE", value_parser = crate::replay::date)]
    pub(crate) from: Option<i64>,
    /// Also replay so many copies of the history with multiplied orders, of each factor: are they found?
    #[arg(long, default_value_t = 0, value_name = "COPIES", value_parser = clap::value_parser!(u32).range(0..=20))]
    pub(crate) plant: u32,
    /// Write a report with pictures, one HTML file
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The history, plain, or gzip when its name ends in .gz
    pub(crate) path: PathBuf,
    /// How it is written
    #[arg(long)]
    pub(crate) format: FormatArg,
    /// Where predictions go, one JSON object a line; gzip when the name ends in .gz
    #[arg(long, value_name = "FILE")]
    pub(crate) predictions: PathBuf,
    /// Say what is due on this date and on every seventh after it, up to the last event's
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = crate::replay::date)]
    pub(crate) grid_from: Option<i64>,
    /// Say on this date in which segment each customer is; may be given several times
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = crate::replay::date)]
    pub(crate) snapshot: Vec<i64>,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// A history to measure with instead of the simulated shop's; for `written` also the CSV of the UCI data
    /// set "Online Retail"
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Seconds a window lasts
    #[arg(long, default_value_t = 2.0)]
    pub(crate) window: f64,
    /// Windows of each measurement; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=101))]
    pub(crate) windows: u32,
    /// Only measurements whose name contains this
    #[arg(long)]
    pub(crate) only: Option<String>,
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
    /// Everything in little: shows that it runs, measures nothing worth knowing
    #[arg(long, hide = true)]
    pub(crate) quick: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say everything that is wrong with the settings
    Check(ConfigArgs),
    /// Print the settings in force and where each comes from; secrets are left out
    Print(ConfigArgs),
    /// Print the JSON schema of the settings file
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// A TOML file with settings
    #[arg(long, env = "OMNIX_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
