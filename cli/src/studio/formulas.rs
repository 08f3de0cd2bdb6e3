//! The formulas of the table of identities, in MathML.
//!
//! They are written in a few letters of shorthand, as MathML is long: [`math!`] turns them into markup when the program is
//! compiled.

/// A formula as MathML. Each argument is an element: `v x` a name, `n 1` a number, `o =` an operator, `sub a b` an index and
/// so on, in the order in which it is read.
macro_rules! math {
    ($($part:tt)*) => { concat!("<math><mrow>", $(piece!($part),)* "</mrow></math>") };
}

/// An element of a formula.
macro_rules! piece {
    ((v $text:literal)) => { concat!("<mi>", $text, "</mi>") };
    ((o $text:literal)) => { concat!("<mo>", $text, "</mo>") };
    ((n $text:literal)) => { concat!("<mn>", $text, "</mn>") };
    ((w $text:literal)) => { concat!("<mtext>", $text, "</mtext>") };
    ((sub $a:tt $b:tt)) => { concat!("<msub>", piece!($a), piece!($b), "</msub>") };
    ((sup $a:tt $b:tt)) => { concat!("<msup>", piece!($a), piece!($b), "</msup>") };
    ((both $a:tt $b:tt $c:tt)) => { concat!("<msubsup>", piece!($a), piece!($b), piece!($c), "</msubsup>") };
    ((frac $a:tt $b:tt)) => { concat!("<mfrac>", piece!($a), piece!($b), "</mfrac>") };
    ((root $($a:tt)*)) => { concat!("<msqrt>", $(piece!($a),)* "</msqrt>") };
    ((over $a:tt $b:literal)) => { concat!("<mover accent=\"true\">", piece!($a), "<mo>", $b, "</mo></mover>") };
    ((all $($a:tt)*)) => { concat!("<mrow>", $(piece!($a),)* "</mrow>") };
    (abar) => { piece!((sub (over (v "α") "¯") (v "t"))) };
    (rest) => { piece!((all (n "1") (o "−") abar)) };
    (xt) => { piece!((sub (v "x") (v "t"))) };
    (x0) => { piece!((sub (v "x") (n "0"))) };
    (eps) => { piece!((v "ε")) };
    (beta) => { piece!((sub (v "β") (v "t"))) };
    (btilde) => { piece!((sub (over (v "β") "~") (v "t"))) };
    (eq) => { "<mo>=</mo>" };
    (plus) => { "<mo>+</mo>" };
    (minus) => { "<mo>−</mo>" };
    (open) => { "<mo>(</mo>" };
    (close) => { "<mo>)</mo>" };
    (half) => { piece!((frac (n "1") (n "2"))) };
}

/// Beginnings and other parts of rows' names, with what they are about. The first that fits counts.
const TABLE: &[(&str, &str)] = &[
    ("ᾱ_T after", math!((sub (over (v "α") "¯") (v "T")) eq (n "0"))),
    ("√ᾱ_t after", math!((root abar) (o "↦") (w "linear, 0 at T, unchanged at 1"))),
    (
        "E|X_t(f)|²",
        math!((v "E") (sup (all (o "|") (sub (v "X") (v "t")) open (v "f") close (o "|")) (n "2")) eq abar (sup (all (o "|") (sub (v "X") (n "0")) open (v "f") close (o "|")) (n "2")) plus rest),
    ),
    (
        "ᾱ_",
        math!(abar eq (sub (o "∏") (all (v "s") (o "≤") (v "t"))) open (n "1") minus (sub (v "β") (v "s")) close),
    ),
    ("log SNR", math!((v "log") (w " SNR") eq (v "log") (frac abar rest))),
    (
        "chain = marginal",
        math!((v "q") open xt (o "|") x0 close eq (v "N") open (root abar) x0 (o ",") rest close),
    ),
    ("variance of x_T", math!((v "Var") xt eq abar (v "Var") x0 plus rest)),
    (
        "the same without the root",
        math!(xt eq (sub (v "α") (v "t")) (sub (v "x") (all (v "t") minus (n "1"))) plus (root beta) (v "z")),
    ),
    (
        "Bayes' rule",
        math!((v "q") open (sub (v "x") (all (v "t") minus (n "1"))) (o "|") xt (o ",") x0 close (o "∝") (v "q") open xt (o "|") (sub (v "x") (all (v "t") minus (n "1"))) close (v "q") open (sub (v "x") (all (v "t") minus (n "1"))) (o "|") x0 close),
    ),
    (
        "μ̃_",
        math!((over (v "μ") "~") eq (frac (all (root (sub (over (v "α") "¯") (all (v "t") minus (n "1")))) beta) rest) x0 plus (frac (all (root (sub (v "α") (v "t"))) open (n "1") minus (sub (over (v "α") "¯") (all (v "t") minus (n "1"))) close) rest) xt),
    ),
    (
        "β̃_",
        math!(btilde eq (frac (all (n "1") minus (sub (over (v "α") "¯") (all (v "t") minus (n "1")))) rest) beta),
    ),
    (
        "σ²_",
        math!((both (v "σ") (v "t") (n "2")) (o "∈") (o "{") beta (o ",") btilde (o ",") (w "learnt between") (o "}")),
    ),
    (
        "respaced chain",
        math!((both (v "β") (v "i") (v "′")) eq (n "1") minus (frac (sub (over (v "α") "¯") (sub (v "t") (v "i"))) (sub (over (v "α") "¯") (sub (v "t") (all (v "i") minus (n "1")))))),
    ),
    (
        "σ at the ends",
        math!((sub (v "σ") (v "i")) eq (sup (all open (both (v "σ") (w "max") (all (n "1") (o "/") (v "ρ"))) plus (frac (v "i") (all (v "N") minus (n "1"))) open (both (v "σ") (w "min") (all (n "1") (o "/") (v "ρ"))) minus (both (v "σ") (w "max") (all (n "1") (o "/") (v "ρ"))) close close) (v "ρ"))),
    ),
    ("rectified flow", math!(xt eq open (n "1") minus (v "t") close x0 plus (v "t") eps)),
    ("ε from v", math!(eps eq (root rest) xt plus (root abar) (v "v"))),
    ("x_0 from v", math!(x0 eq (root abar) xt minus (root rest) (v "v"))),
    ("score from v", math!((o "∇") (v "log") (v "p") open xt close eq minus (frac eps (root rest)))),
    ("velocity from v", math!((v "u") eq eps minus x0)),
    ("F from v", math!((v "D") eq (sub (v "c") (w "skip")) (v "x") plus (sub (v "c") (w "out")) (v "F"))),
    ("to every other prediction", math!(xt eq (root abar) x0 plus (root rest) eps)),
    (
        "Tweedie's formula",
        math!((v "E") (o "[") x0 (o "|") xt (o "]") eq (frac (all xt plus open rest close (o "∇") (v "log") (v "p") open xt close) (root abar))),
    ),
    (
        "Σ λ_t",
        math!((sub (o "∑") (v "t")) (sub (v "λ") (v "t")) (o ",") (w " ") (sub (v "λ") (v "t")) eq (frac (both (v "β") (v "t") (n "2")) (all (n "2") (both (v "σ") (v "t") (n "2")) (sub (v "α") (v "t")) open rest close))),
    ),
    (
        "λ_t = ½",
        math!((sub (v "λ") (v "t")) eq half open (frac (sub (w "SNR") (all (v "t") minus (n "1"))) (sub (w "SNR") (v "t"))) minus (n "1") close),
    ),
    (
        "λ_",
        math!((sub (v "λ") (v "t")) eq (frac (both (v "β") (v "t") (n "2")) (all (n "2") (both (v "σ") (v "t") (n "2")) (sub (v "α") (v "t")) open rest close))),
    ),
    (
        "ε_θ = 0",
        math!((sub (v "L") (all (v "t") minus (n "1"))) eq (sub (v "λ") (v "t")) (sup (all (o "‖") eps minus (sub eps (v "θ")) (o "‖")) (n "2")) plus (sub (v "C") (v "t"))),
    ),
    (
        "of which Σ C_t",
        math!((sub (v "C") (v "t")) eq half open (frac btilde (both (v "σ") (v "t") (n "2"))) minus (n "1") minus (v "log") (frac btilde (both (v "σ") (v "t") (n "2"))) close),
    ),
    ("the least costly", math!((both (v "σ") (v "t") (n "2")) eq btilde plus (v "e"))),
    (
        "L_T",
        math!((sub (v "L") (v "T")) eq half open (sub (over (v "α") "¯") (v "T")) (both (v "x") (n "0") (n "2")) minus (sub (over (v "α") "¯") (v "T")) minus (v "log") open (n "1") minus (sub (over (v "α") "¯") (v "T")) close close),
    ),
    (
        "exact denoiser: Σ",
        math!((o "−") (v "log") (sub (v "p") (v "θ")) open x0 close (o "≤") (sub (v "L") (v "T")) plus (sub (o "∑") (v "t")) (sub (v "L") (all (v "t") minus (n "1"))) plus (sub (v "L") (n "0"))),
    ),
    (
        "exact reverse",
        math!((v "H") open (v "q") close plus (w "KL") open (v "q") open (sub (v "x") (v "T")) close (o "‖") (v "N") close),
    ),
    (
        "ancestral sampling",
        math!((sub (v "x") (all (v "t") minus (n "1"))) eq (sub (v "μ") (v "θ")) plus (sub (v "σ") (v "t")) (v "z")),
    ),
    ("DDIM with η = 1", math!((v "σ") open (v "η") eq (n "1") close eq (root btilde))),
    (
        "DDIM in",
        math!((sub (v "x") (v "s")) eq (root (sub (over (v "α") "¯") (v "s"))) (over x0 "^") plus (root (n "1") minus (sub (over (v "α") "¯") (v "s"))) (over eps "^")),
    ),
    (
        "EDM's grid",
        math!((frac (all (v "d") (v "x")) (all (v "d") (v "σ"))) eq (frac (all (v "x") minus (v "D") open (v "x") (o ";") (v "σ") close) (v "σ"))),
    ),
    (
        "order of",
        math!((v "p") eq (sub (v "log") (n "2")) (frac (all (v "e") open (v "h") close) (all (v "e") open (v "h") (o "/") (n "2") close))),
    ),
    (
        "Parseval",
        math!((sub (o "∑") (v "f")) (sup (all (o "|") (v "X") open (v "f") close (o "|")) (n "2")) eq (o "∑") (sup (v "x") (n "2"))),
    ),
    ("α of a spectrum", math!((v "S") open (v "f") close (o "∝") (sup (v "f") (all minus (v "α"))))),
    (
        "the transformer's embedding",
        math!((sub (v "ω") (v "i")) eq (sup (n "10000") (all minus (v "i") (o "/") (v "m"))) (o ",") (v "cos") (sub (v "ω") (v "i")) (v "t") (o ",") (v "sin") (sub (v "ω") (v "i")) (v "t")),
    ),
    (
        "embedding of t",
        math!((sub (v "ω") (v "i")) eq (sup (n "10000") (all minus (v "i") (o "/") (v "m"))) (o ",") (v "sin") (sub (v "ω") (v "i")) (v "t") (o ",") (v "cos") (sub (v "ω") (v "i")) (v "t")),
    ),
];

/// The formula that a row is about, by the row's name.
pub(super) fn formula(name: &str) -> Option<&'static str> {
    let starts = TABLE.iter().find(|(part, _)| name.starts_with(part));
    starts.or_else(|| TABLE.iter().find(|(part, _)| name.contains(part))).map(|(_, formula)| *formula)
}
