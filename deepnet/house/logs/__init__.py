"""Where trainings write down how they go: always a table, TensorBoard on request, and whatever takes the one method."""

from deepnet.house.logs.logger import Logger
from deepnet.house.logs.making import check_names, loggers_of, made_loggers
from deepnet.house.logs.table import CsvLog
from deepnet.house.logs.tensorboard import TensorBoardLog

__all__ = ["CsvLog", "Logger", "TensorBoardLog", "check_names", "loggers_of", "made_loggers"]
