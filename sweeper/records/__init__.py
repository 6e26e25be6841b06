"""Plain files that tell what happened: records of trials, studies, what they were made with."""
