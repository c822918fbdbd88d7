"""What the pages about models ask for."""

from app.controllers.models import ModelsController
from app.controllers.settings import SettingsController
from app.widgets.first_run import FirstRunPage
from app.widgets.models_page import ModelsPage


def connect_models(page: FirstRunPage | ModelsPage, models: ModelsController, settings: SettingsController) -> None:
    """What both pages about models ask for."""
    page.download_requested.connect(models.pull)
    page.pause_requested.connect(models.pause)
    page.discard_requested.connect(models.discard)
    page.move_requested.connect(models.downloads.move)
    page.other_source_requested.connect(models.try_source)
    page.load_requested.connect(models.load)
    page.cancel_load_requested.connect(models.cancel_load)
    page.file_chosen.connect(models.add_file)
    page.unload_requested.connect(models.unload)
    page.remove_requested.connect(models.remove)
    page.probe_requested.connect(models.probe)
    page.source.setting_changed.connect(settings.set)
    page.source.token_wanted.connect(models.look_up_token)
    page.source.token_entered.connect(models.set_token)
    page.source.token_removed.connect(models.remove_token)
    page.source.token_host_chosen.connect(models.tokens.choose)
    models.token_refused.connect(page.show_token_refused)


def connect_shelves(page: ModelsPage, models: ModelsController, settings: SettingsController) -> None:
    """What only the page of all models asks for."""
    page.details_requested.connect(models.details.show)
    page.plan_smaller_requested.connect(models.details.plan_smaller)
    page.adapter_scaled.connect(models.details.scale_adapter)
    page.adapter_removed.connect(models.details.remove_adapter)
    page.adapter_chosen.connect(models.details.add_adapter)
    page.verify_requested.connect(models.works.verify)
    page.repair_requested.connect(models.works.repair)
    page.make_smaller_requested.connect(models.works.quantise)
    page.cancel_work_requested.connect(models.works.cancel)
    page.update_requested.connect(models.look_for_newer)
    page.use_requested.connect(models.use_version)
    page.put_back_requested.connect(models.put_back)
    page.erase_requested.connect(models.empty_trash)
    page.find_requested.connect(models.finding.find)
    page.find_cancelled.connect(models.finding.cancel)
    page.listing_requested.connect(models.finding.list_files)
    page.use_chosen.connect(lambda use: settings.set("models.use", use))
