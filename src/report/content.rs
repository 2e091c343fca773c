//! What the report says and shows, apart from how HTML and Markdown write it.

use super::evaluation::{Evaluation, Group, LeftOut, NetworkEvaluation};
use super::metrics::{AgeFigures, ClassScores, Measure, SexFigures};
use super::plot::{self, ComparisonRow, RocCurve, Series};
use super::table::Table;
use super::words::{UNDEFINED, count, measure, number, optional, percent, percent_value, range};

/// Folder of the plots beside the report.
pub const PLOT_FOLDER: &str = "plots";

/// The report: a title and what follows it.
pub struct Content {
    /// Heading of the report.
    pub title: String,
    /// Data set and split.
    pub subtitle: String,
    /// Everything below, in order.
    pub blocks: Vec<Block>,
}

/// One part of the report.
pub enum Block {
    /// Heading of a section.
    Section(String),
    /// Heading within a section.
    Subsection(String),
    /// Plain text.
    Paragraph(String),
    /// What must not be overlooked.
    Warning(String),
    /// Plain sentences, one below the other.
    List(Vec<String>),
    /// The figures to see first.
    KeyFigures(Vec<KeyFigure>),
    /// Figures in rows.
    Table(Table),
    /// Plots that belong together.
    Plots(Vec<Plot>),
}

/// One figure to see first.
pub struct KeyFigure {
    /// What it is.
    pub name: String,
    /// The figure.
    pub value: String,
    /// Its interval and the network it belongs to.
    pub remark: String,
}

/// One plot.
pub struct Plot {
    /// File name within [`PLOT_FOLDER`].
    pub file: String,
    /// What it shows, in a few words.
    pub name: String,
    /// What it shows and how to read it.
    pub caption: String,
    /// The drawing.
    pub svg: String,
}

impl Content {
    /// Puts the report together.
    pub fn new(evaluation: &Evaluation) -> Content {
        let mut blocks: Vec<Block> = evaluation.data_set.warnings.iter().cloned().map(Block::Warning).collect();
        blocks.push(Block::KeyFigures(key_figures(evaluation)));
        blocks.extend(comparison(evaluation));
        blocks.extend(data_set(evaluation));
        let names = plot_names(&evaluation.networks);
        for (index, (network, plot_name)) in evaluation.networks.iter().zip(names).enumerate() {
            blocks.extend(network_section(network, index, &plot_name));
        }
        blocks.extend(training(evaluation));
        blocks.extend(method(evaluation));
        let data_set = &evaluation.data_set;
        let stated: Vec<&str> =
            [data_set.name.as_str(), data_set.split.as_str()].into_iter().filter(|text| !text.is_empty()).collect();
        Content { title: "Age and sex from the ECG: evaluation".to_owned(), subtitle: stated.join(", "), blocks }
    }

    /// Every plot of the report.
    pub fn plots(&self) -> impl Iterator<Item = &Plot> {
        self.blocks.iter().flat_map(|block| match block {
            Block::Plots(plots) => plots.as_slice(),
            _ => &[],
        })
    }
}

/// A name for files and anchors: small letters, digits and hyphens.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// A part of file names for each network, unique even where labels differ in signs only.
fn plot_names(networks: &[NetworkEvaluation]) -> Vec<String> {
    let plain: Vec<String> = networks.iter().map(|network| slug(&network.label)).collect();
    let unique = |(index, name): (usize, &String)| {
        let alone = !name.is_empty() && plain.iter().filter(|other| *other == name).count() == 1;
        if alone { name.clone() } else { format!("{name}-network-{}", index + 1) }
    };
    plain.iter().enumerate().map(unique).collect()
}

/// The network's figures in a few columns, for the terminal and for the top of the report.
pub fn overview(evaluation: &Evaluation) -> Table {
    let row = |network: &NetworkEvaluation| {
        let (age, sex) = (&network.age.figures, &network.sex.figures);
        vec![
            network.label.clone(),
            measure(&age.mae, 2),
            optional(age.r2.value, 3),
            optional(age.pearson_r.value, 3),
            percent(&sex.accuracy),
            measure(&sex.auc, 3),
        ]
    };
    let mut rows: Vec<Vec<String>> = evaluation.networks.iter().map(row).collect();
    let reference = evaluation.networks.first();
    rows.extend(reference.map(|network| {
        let trivial = &network.age.trivial;
        vec![
            "without the ECG".to_owned(),
            measure(&trivial.mae, 2),
            optional(trivial.r2.value, 3),
            UNDEFINED.to_owned(),
            percent_value(network.sex.trivial_accuracy),
            network.sex.figures.auc.value.map_or(UNDEFINED, |_| "0.500").to_owned(),
        ]
    }));
    Table {
        caption: "The networks compared, with 95\u{a0}% confidence intervals".to_owned(),
        columns: vec!["network", "age: MAE in years", "R²", "r", "sex: accuracy", "AUC"],
        rows,
        reference_rows: usize::from(reference.is_some()),
    }
}

fn key_figures(evaluation: &Evaluation) -> Vec<KeyFigure> {
    let best = |number: Option<usize>| number.and_then(|number| evaluation.networks.get(number));
    let remark = |figure: &Measure, network: &NetworkEvaluation, decimals: usize, factor: f64| match *figure {
        Measure { low: Some(low), high: Some(high), .. } => {
            let [low, high] = [low, high].map(|end| number(factor * end, decimals));
            format!("{low} to {high}, {}", network.label)
        }
        _ => network.label.clone(),
    };
    let mut figures = Vec::new();
    if let Some(network) = best(evaluation.best_for_age()) {
        let (mae, r) = (&network.age.figures.mae, &network.age.figures.pearson_r);
        figures.push(KeyFigure {
            name: "Mean absolute error of the age".to_owned(),
            value: format!("{} years", optional(mae.value, 1)),
            remark: remark(mae, network, 1, 1.0),
        });
        figures.push(KeyFigure {
            name: "Correlation with the age".to_owned(),
            value: optional(r.value, 2),
            remark: remark(r, network, 2, 1.0),
        });
    }
    if let Some(network) = best(evaluation.best_for_sex()) {
        let (accuracy, auc) = (&network.sex.figures.accuracy, &network.sex.figures.auc);
        figures.push(KeyFigure {
            name: "Sex estimated correctly".to_owned(),
            value: percent_value(accuracy.value),
            remark: remark(accuracy, network, 1, 100.0),
        });
        figures.push(KeyFigure {
            name: "AUC of the sex".to_owned(),
            value: optional(auc.value, 3),
            remark: remark(auc, network, 3, 1.0),
        });
    }
    figures
}

fn comparison(evaluation: &Evaluation) -> Vec<Block> {
    let mut blocks = vec![
        Block::Section("Networks compared".to_owned()),
        Block::Paragraph(
            "MAE is the mean absolute difference of estimated and chronological age. AUC is the probability that a \
             woman's ECG gets a higher probability of female than a man's; 0.5 is chance. The last row is what could \
             be reached without looking at the ECG: the mean age for everybody, and the more frequent sex."
                .to_owned(),
        ),
        Block::Table(overview(evaluation)),
    ];
    blocks.extend(differences(evaluation));
    let plots = comparison_plots(evaluation);
    if !plots.is_empty() {
        blocks.push(Block::Plots(plots));
    }
    blocks
}

/// A table of paired differences, where there is more than one network.
fn differences(evaluation: &Evaluation) -> Option<Block> {
    if evaluation.networks.len() < 2 {
        return None;
    }
    let (age, sex) = (evaluation.best_for_age(), evaluation.best_for_sex());
    let cell = |best: Option<usize>, index: usize, figure: &Measure, decimals: usize| match best {
        Some(best) if best == index => "best".to_owned(),
        _ => measure(figure, decimals),
    };
    let row = |(index, network): (usize, &NetworkEvaluation)| {
        vec![
            network.label.clone(),
            cell(age, index, &network.mae_difference, 2),
            cell(sex, index, &network.auc_difference, 3),
        ]
    };
    Some(Block::Table(Table {
        caption: "Difference to the best network on the same ECGs; an interval that holds 0 is no clear difference"
            .to_owned(),
        columns: vec!["network", "MAE in years", "AUC"],
        rows: evaluation.networks.iter().enumerate().map(row).collect(),
        reference_rows: 0,
    }))
}

fn comparison_plots(evaluation: &Evaluation) -> Vec<Plot> {
    let series = || {
        let networks = evaluation.networks.iter().enumerate();
        networks.map(|(index, network)| (Series { name: &network.label, index }, network))
    };
    let rows = |figure: fn(&NetworkEvaluation) -> Measure, decimals: usize| -> Vec<ComparisonRow> {
        let row = |(series, network): (_, &NetworkEvaluation)| {
            let measure = figure(network);
            ComparisonRow { series, measure, words: self::measure(&measure, decimals) }
        };
        series().map(row).collect()
    };
    let curves: Vec<RocCurve> = series()
        .map(|(series, network)| RocCurve { series, points: &network.roc, auc: network.sex.figures.auc })
        .collect();
    let mae = plot::comparison(
        "Mean absolute error of the age",
        "with 95\u{a0}% confidence intervals; less is better",
        "years",
        &rows(|network| network.age.figures.mae, 2),
    );
    let auc = plot::comparison(
        "Area under the ROC curve for sex",
        "with 95\u{a0}% confidence intervals; more is better",
        "AUC",
        &rows(|network| network.sex.figures.auc, 3),
    );
    let plot = |file: &str, name: &str, caption: &str, svg: Option<String>| {
        let [file, name, caption] = [file, name, caption].map(str::to_owned);
        svg.map(|svg| Plot { file, name, caption, svg })
    };
    [
        plot(
            "age-mae.svg",
            "Mean absolute error of the age by network",
            "The dot is the error measured here; the line is its 95\u{a0}% confidence interval.",
            mae,
        ),
        plot("sex-auc.svg", "AUC of the sex by network", "The same for telling women from men.", auc),
        plot(
            "sex-roc.svg",
            "ROC curves for sex",
            "Each curve runs through all thresholds of the probability. The closer to the upper left corner, the \
             better.",
            plot::roc_curves(&curves),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn data_set(evaluation: &Evaluation) -> Vec<Block> {
    let population = &evaluation.population;
    let mut facts = vec![
        format!(
            "{} {}{}.",
            count(population.records),
            if population.records == 1 { "ECG" } else { "ECGs" },
            match population.people {
                Some(1) => " of 1 person".to_owned(),
                Some(people) => format!(" of {} people", count(people)),
                None => "; whose they are is not stated for every one of them".to_owned(),
            }
        ),
        format!(
            "Age: {} years on average, standard deviation {}.",
            optional(population.mean_age, 1),
            optional(population.age_sd, 1)
        ),
        format!("Stated sex: {} male, {} female.", count(population.male), count(population.female)),
    ];
    facts.extend(evaluation.data_set.notes.iter().cloned());
    let mut blocks = vec![Block::Section("Data set".to_owned()), Block::List(facts)];
    if evaluation.data_set.left_out.is_empty() {
        blocks.push(Block::Paragraph("No ECG was left out before the networks.".to_owned()));
    } else {
        blocks.push(left_out("ECGs left out before the networks", &evaluation.data_set.left_out));
    }
    blocks
}

fn left_out(caption: &str, left_out: &[LeftOut]) -> Block {
    let row = |left_out: &LeftOut| vec![left_out.reason.clone(), count(left_out.count)];
    Block::Table(Table {
        caption: caption.to_owned(),
        columns: vec!["reason", "ECGs"],
        rows: left_out.iter().map(row).collect(),
        reference_rows: 0,
    })
}

fn network_section(network: &NetworkEvaluation, index: usize, plot_name: &str) -> Vec<Block> {
    let series = Series { name: &network.label, index };
    let mut blocks = vec![Block::Section(network.label.clone())];
    if !network.weights.is_empty() {
        blocks.push(Block::Paragraph(format!("Weights: {}.", network.weights)));
    }
    if !network.left_out.is_empty() {
        blocks.push(left_out("ECGs that could not be compared", &network.left_out));
    }
    if network.age.n > 0 {
        blocks.push(Block::Subsection("Age".to_owned()));
        blocks.push(Block::Table(age_table(
            network.age_coverage,
            &network.age.figures,
            &network.age.trivial,
            network.age.n,
        )));
        blocks.push(Block::Plots(age_plots(network, series, plot_name)));
    }
    if network.sex.n > 0 {
        blocks.push(Block::Subsection("Sex".to_owned()));
        blocks.push(Block::Table(sex_table(&network.sex.figures, network.sex.n)));
        blocks.push(Block::Table(classification_table(network)));
        blocks.push(Block::Plots(sex_plots(network, series, plot_name)));
    }
    if network.age.n + network.sex.n > 0 {
        blocks.push(Block::Subsection("By age and by sex".to_owned()));
        blocks.push(Block::Table(group_table("By decade of age", "age", &network.by_decade)));
        blocks.push(Block::Table(group_table("By stated sex", "sex", &network.by_sex)));
    }
    blocks
}

fn age_table(coverage: Option<f64>, figures: &AgeFigures, trivial: &AgeFigures, n: usize) -> Table {
    type Figure = fn(&AgeFigures) -> &Measure;
    let plain: [(&str, usize, Figure); 7] = [
        ("mean absolute error (MAE), years", 2, |figures| &figures.mae),
        ("root mean squared error, years", 2, |figures| &figures.rmse),
        ("coefficient of determination R²", 3, |figures| &figures.r2),
        ("Pearson's correlation r", 3, |figures| &figures.pearson_r),
        ("bias: mean of predicted minus age, years", 2, |figures| &figures.bias),
        ("standard deviation of the error, years", 2, |figures| &figures.error_sd),
        ("slope of predicted on chronological age", 3, |figures| &figures.slope),
    ];
    let row = |(name, decimals, figure): (&str, usize, Figure)| {
        vec![name.to_owned(), measure(figure(figures), decimals), measure(figure(trivial), decimals)]
    };
    let mut rows: Vec<Vec<String>> = plain.into_iter().map(row).collect();
    if figures.interval_coverage.value.is_some() {
        let own = |name: &str, value: String| vec![name.to_owned(), value, UNDEFINED.to_owned()];
        let meant = coverage.map(|share| format!(", which is meant to hold {:.0}\u{a0}%", 100.0 * share));
        let name = format!("ages within the stated interval{}", meant.unwrap_or_default());
        rows.push(own(&name, percent(&figures.interval_coverage)));
        rows.push(own("mean width of that interval, years", measure(&figures.interval_width, 1)));
    }
    Table {
        caption: format!("Age, {} ECGs", count(n)),
        columns: vec!["figure", "network", "mean age for everybody"],
        rows,
        reference_rows: 0,
    }
}

fn sex_table(figures: &SexFigures, n: usize) -> Table {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    Table {
        caption: format!("Sex, {} ECGs; decided at a probability of 0.5", count(n)),
        columns: vec!["figure", "network"],
        rows: vec![
            row("accuracy", percent(&figures.accuracy)),
            row("area under the ROC curve (AUC)", measure(&figures.auc, 3)),
            row("sensitivity: women estimated as female", percent(&figures.sensitivity)),
            row("specificity: men estimated as male", percent(&figures.specificity)),
            row("Brier score (0 is perfect)", measure(&figures.brier, 3)),
            row("expected calibration error", measure(&figures.expected_calibration_error, 3)),
            row(
                "the same error if every probability of these people were right",
                measure(&figures.calibration_error_by_chance, 3),
            ),
        ],
        reference_rows: 0,
    }
}

fn classification_table(network: &NetworkEvaluation) -> Table {
    let report = &network.sex.classification_report;
    let row = |name: &str, scores: &ClassScores| {
        let [precision, recall, f1] = [scores.precision, scores.recall, scores.f1].map(|score| optional(score, 3));
        vec![name.to_owned(), precision, recall, f1, count(scores.support)]
    };
    Table {
        caption: "Classification report".to_owned(),
        columns: vec!["class", "precision", "recall", "F1", "support"],
        rows: vec![
            row("male", &report.male),
            row("female", &report.female),
            row("macro average", &report.macro_average),
            row("weighted average", &report.weighted_average),
        ],
        reference_rows: 2,
    }
}

fn group_table(caption: &str, first_column: &'static str, groups: &[Group]) -> Table {
    let row = |group: &Group| {
        let (age, sex) = (&group.age.figures, &group.sex.figures);
        vec![
            range(&group.label),
            count(group.age.n.max(group.sex.n)),
            measure(&age.mae, 2),
            measure(&age.bias, 2),
            optional(age.error_sd.value, 2),
            measure(&group.age.trivial.mae, 2),
            percent(&age.interval_coverage),
            percent(&sex.accuracy),
            measure(&sex.auc, 3),
        ]
    };
    Table {
        caption: caption.to_owned(),
        columns: vec![
            first_column,
            "ECGs",
            "MAE in years",
            "bias in years",
            "SD of error",
            "MAE of the mean age",
            "ages within the interval",
            "sex: accuracy",
            "AUC",
        ],
        rows: groups.iter().map(row).collect(),
        reference_rows: 0,
    }
}

/// Names a network's plots.
fn network_plots<const N: usize>(
    network: &NetworkEvaluation,
    plot_name: &str,
    plots: [(&str, &str, &str, Option<String>); N],
) -> Vec<Plot> {
    let plot = |(file, name, caption, svg): (&str, &str, &str, Option<String>)| {
        Some(Plot {
            file: format!("{file}-{plot_name}.svg"),
            name: format!("{name}, {}", network.label),
            caption: caption.to_owned(),
            svg: svg?,
        })
    };
    plots.into_iter().filter_map(plot).collect()
}

fn age_plots(network: &NetworkEvaluation, series: Series, plot_name: &str) -> Vec<Plot> {
    let (cases, figures) = (&network.age_cases, &network.age.figures);
    network_plots(
        network,
        plot_name,
        [
            (
                "age-scatter",
                "Predicted and chronological age",
                "Each dot is one ECG. Where the fitted line is flatter than the dashed one, the young are estimated \
                 too old and the old too young (regression to the mean).",
                plot::age_scatter(series, cases, figures),
            ),
            (
                "age-error-histogram",
                "Distribution of the error",
                "How often the estimate is how many years too low (left of 0) or too high (right of 0).",
                plot::age_errors_histogram(series, cases, figures),
            ),
            (
                "age-error-by-decade",
                "Error by decade of age",
                "The box holds the middle half of the errors, its line is the median; whiskers reach the last error \
                 within 1.5 box lengths. Boxes above 0 are estimated too old.",
                plot::age_errors_by_decade(series, cases),
            ),
        ],
    )
}

fn sex_plots(network: &NetworkEvaluation, series: Series, plot_name: &str) -> Vec<Plot> {
    let error = network.sex.figures.expected_calibration_error;
    network_plots(
        network,
        plot_name,
        [
            (
                "sex-confusion",
                "Confusion matrix",
                "Right decisions lie on the diagonal from the upper left to the lower right.",
                plot::confusion_matrix(series, &network.sex.confusion),
            ),
            (
                "sex-calibration",
                "Calibration of the probability of female",
                "On the dashed line a probability means what it says: of the ECGs given 70\u{a0}%, 70\u{a0}% are \
                 women's. Below: how often which probability is given.",
                plot::reliability(series, &network.calibration, error),
            ),
        ],
    )
}

fn training(evaluation: &Evaluation) -> Vec<Block> {
    let logs = &evaluation.training_logs;
    let plot = |(number, (name, log)): (usize, &(String, _))| {
        Some(Plot {
            file: format!("training-{}-{}.svg", number + 1, slug(name)),
            name: format!("Training, {name}"),
            caption: "What happened in each epoch; the weights of the marked epoch fit the validation set best."
                .to_owned(),
            svg: plot::training_curves(&format!("Training of {name}"), log)?,
        })
    };
    let plots: Vec<Plot> = logs.iter().enumerate().filter_map(plot).collect();
    if plots.is_empty() { Vec::new() } else { vec![Block::Section("Training".to_owned()), Block::Plots(plots)] }
}

fn method(evaluation: &Evaluation) -> Vec<Block> {
    let bootstrap = &evaluation.bootstrap;
    let people = match evaluation.population.people {
        Some(_) => "people are drawn with replacement, each with all their ECGs",
        None => "ECGs are drawn with replacement, those of a known person together",
    };
    vec![
        Block::Section("How this was computed".to_owned()),
        Block::List(vec![
            format!(
                "Figures in brackets are 95\u{a0}% confidence intervals by the percentile bootstrap: {people}, {} \
                 times, seed {}. Groups of fewer than ten people get none.",
                count(bootstrap.replicates),
                bootstrap.seed
            ),
            "Differences between networks are taken within each resample, so that both networks meet the same people."
                .to_owned(),
            "Definitions are those of scikit-learn; the positive class is female. Calibration uses ten equal bins of \
             the probability of female."
                .to_owned(),
            format!("{UNDEFINED} marks what is undefined, such as the AUC of a single sex."),
            format!(
                "ECGNet {}. This report holds no identifier of a person or of a recording. The figures are in \
                 evaluation.json, too.",
                evaluation.ecgnet_version
            ),
        ]),
    ]
}
