# Rscript r_functions.R > r_functions.csv
# Columns that R makes of terms: a row a column of the term, 12 values each.
library(splines)
x <- c(0, 0.7, 1.1, 1.9, 2.5, 3.2, 4.8, 5, 5, 6.3, 7.7, 10)
f <- factor(c("a", "b", "c", "a", "b", "c", "c", "b", "a", "a", "b", "c"))
terms <- c(
  "ns(x, df = 3)", "ns(x, df = 1)", "ns(x, 5)", "ns(x, knots = c(2, 5))", "ns(x, df = 4, intercept = TRUE)",
  "ns(x, knots = c(3), Boundary.knots = c(1, 8))", "bs(x)", "bs(x, df = 4)", "bs(x, df = 5, degree = 2)",
  "bs(x, knots = c(2, 5))", "bs(x, df = 6, intercept = TRUE)", "bs(x, knots = 5, Boundary.knots = c(-1, 12))",
  "poly(x, 2)", "poly(x, degree = 4)", "poly(x, 3, raw = TRUE)", "scale(x)", "scale(x, scale = FALSE)",
  "scale(x, center = FALSE)", "scale(x, center = 2, scale = 3)", "round(x)", "round(x * 1.05, 1)", "pmax(x, 2)",
  "pmin(x, 2 * x - 3, 4)", "log(x + 1)", "log(x + 1, 2)", "log(x + 1, base = 10)", "log1p(x)", "log2(x + 1)",
  "log10(x + 1)", "sin(x)", "cos(x)", "exp(-x)", "sqrt(x)", "abs(x - 3)", "floor(x)", "ceiling(x)", "I(x^2)",
  "I(-x^2)", "I(2^x)", "I(2^-x)", "I(2^x^0.5)", "I(x / 10 - 2 * x^0.5)", "I(-x / 2 * 3 - -1)", "I((x + 1) * (x - 1) / 2)",
  "I(1e3 * x)", "I((x > 2) + (x > 5))", "I(x == 5)", "I(x != 5)", "I(x <= 2.5)", "I(f == 'b')", "factor(f)",
  "factor(x > 2)", "relevel(f, ref = 'b')", "factor(f, levels = c('c', 'a', 'b'))", "C(f, contr.sum)"
)
cat("term,column,", paste0("v", seq_along(x), collapse = ","), "\n", sep = "")
for (term in terms) {
  # with an intercept, as in a formula
  columns <- model.matrix(as.formula(paste("~", term)))[, -1, drop = FALSE]
  for (j in seq_len(ncol(columns))) {
    cat('"', term, '",', j, ",", paste(sprintf("%.17g", columns[, j]), collapse = ","), "\n", sep = "")
  }
}
