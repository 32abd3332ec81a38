# Rscript lme4_refit.R FILE.csv ROUNDS
# The file has columns subject, x, y1, y2, ...: refit one ML model to each response.
# Prints a line a response: fewest seconds of refit, deviance.
suppressPackageStartupMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1], colClasses = c(subject = "character"))
rounds <- as.integer(arguments[2])
responses <- grep("^y[0-9]+$", names(data), value = TRUE)
data$y <- data[[responses[1]]]
first <- lmer(y ~ x + (1 + x | subject), data, REML = FALSE)
for (response in responses) {
  seconds <- Inf
  for (round in seq_len(rounds)) {
    started <- Sys.time()
    fit <- refit(first, newresp = data[[response]])
    seconds <- min(seconds, as.numeric(Sys.time() - started, units = "secs"))
  }
  cat(sprintf("%.9f %.9f\n", seconds, -2 * as.numeric(logLik(fit))))
}
