"""The layout of ATL03 and ATL08 granules: groups, datasets, types, units and fill values of release 006."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

FILL_F4: Final = float(np.finfo(np.float32).max)
FILL_F8: Final = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Field:
    """One dataset: its name, type, attributes, and the number of its columns where it is 2-D."""

    name: str
    dtype: str
    units: str
    long_name: str
    source: str
    fill: float | None = None
    columns: int = 0


Group: TypeAlias = tuple[Field, ...]

_SECONDS = "seconds since 2018-01-01"

HEIGHTS: Final[Group] = (
    Field("delta_time", "f8", _SECONDS, "Elapsed GPS seconds", "Operations"),
    Field("dist_ph_across", "f4", "meters", "Distance off RGT.", "ATL03 ATBD, Section 3.1"),
    Field("dist_ph_along", "f4", "meters", "Distance from equator crossing.", "ATL03 ATBD, Section 3.1"),
    Field("h_ph", "f4", "meters", "Photon WGS84 Height", "ATL03g ATBD, Section 3.4"),
    Field("lat_ph", "f8", "degrees_north", "Latitude", "ATL03g ATBD, Section 3.4"),
    Field("lon_ph", "f8", "degrees_east", "Longitude", "ATL03g ATBD, Section 3.4"),
    Field(
        "pce_mframe_cnt",
        "u4",
        "counts",
        "PCE Major frame counter",
        "Retained from prior a_alt_science_ph packet",
    ),
    Field("ph_id_channel", "u1", "1", "Receive channel id", "Derived as part of Photon ID"),
    Field("ph_id_count", "u1", "counts", "photon event counter", "Derived as part of Photon ID"),
    Field("ph_id_pulse", "u1", "counts", "laser pulse counter", "Derived as part of Photon ID"),
    Field("quality_ph", "i1", "1", "Photon Quality", "ATL03 ATBD"),
    Field("signal_conf_ph", "i1", "1", "Photon Signal Confidence", "ATL03 ATBD, Section 5, Conf", columns=5),
    Field("weight_ph", "u1", "1", "Photon Weight", "ATL03 ATBD"),
)

GEOLOCATION: Final[Group] = (
    Field("altitude_sc", "f8", "meters", "Altitude", "ATL03g ATBD, Section 3.4", FILL_F8),
    Field("bounce_time_offset", "f4", "seconds", "ground bounce time offset", "ATL03 ATBD, Section 3.3", FILL_F4),
    Field("delta_time", "f8", _SECONDS, "Delta Time", "Derived"),
    Field("full_sat_fract", "f4", "1", "Full Saturation Fraction", "ATL03 ATBD", FILL_F4),
    Field("knn", "i4", "counts", "Neighbours used for the photon weights", "ATL03 ATBD", 0),
    Field("near_sat_fract", "f4", "1", "Near Saturation Fraction", "ATL03 ATBD", FILL_F4),
    Field(
        "neutat_delay_derivative",
        "f4",
        "meters/meters",
        "(Neutral Atmosphere delay)/dh",
        "ATL03a ATBD",
        FILL_F4,
    ),
    Field("neutat_delay_total", "f4", "meters", "Total Neutral Atmospheric Delay", "ATL03a ATBD", FILL_F4),
    Field("neutat_ht", "f4", "meters", "Neutral atmosphere ref height", "ATL03a ATBD", FILL_F4),
    Field("ph_index_beg", "i8", "counts", "Photon Index Begin", "Derived", 0),
    Field("pitch", "f4", "degrees", "Spacecraft pitch", "ATL03G ATBD", FILL_F4),
    Field("podppd_flag", "i1", "1", "POD_PPD Flag", "ANC04, ANC05", 0),
    Field("range_bias_corr", "f4", "meters", "range bias correction", "ATL03G ATBD, Section 3.6", FILL_F4),
    Field("ref_azimuth", "f4", "radians", "Azimuth", "ATL03G ATBD, Section 3.3", FILL_F4),
    Field("ref_elev", "f4", "radians", "elevation", "ATL03G ATBD, Section 3.3", FILL_F4),
    Field("reference_photon_index", "i4", "counts", "Reference Photon Index", "ATL03 ATBD, Section 3.2", 0),
    Field("reference_photon_lat", "f8", "degrees_north", "Segment Latitude", "ATL03G ATBD, Section 3.4"),
    Field("reference_photon_lon", "f8", "degrees_east", "Segment Longitude", "ATL03G ATBD, Section 3.4"),
    Field("roll", "f4", "degrees", "Spacecraft roll", "ATL03G ATBD", FILL_F4),
    Field("segment_dist_x", "f8", "meters", "Segment Distance from EQC", "Derived"),
    Field("segment_id", "i4", "1", "along-track segment ID number.", "ATL03 ATBD, Section 3.1"),
    Field("segment_length", "f8", "meters", "along-track segment length", "ATL03 ATBD, Section 3.1"),
    Field("segment_ph_cnt", "i4", "counts", "Number of photons", "Derived", 0),
    Field("sigma_across", "f4", "meters", "across-track geolocation uncertainty", "ATL03G ATBD", FILL_F4),
    Field("sigma_along", "f4", "meters", "along-track geolocation uncertainity", "ATL03G ATBD", FILL_F4),
    Field("sigma_h", "f4", "1", "height uncertainty", "ATL03G ATBD, Section 3.6", FILL_F4),
    Field("sigma_lat", "f4", "1", "latitude uncertainty", "ATL03G ATBD, Section 3.6", FILL_F4),
    Field("sigma_lon", "f4", "degrees", "longitude uncertainty", "ATL03G ATBD, Section 3.6", FILL_F4),
    Field("solar_azimuth", "f4", "degrees_east", "solar azimuth", "ATL03G ATBD, Section 3.3", FILL_F4),
    Field("solar_elevation", "f4", "degrees", "solar elevation", "ATL03G ATBD, Section 3.3", FILL_F4),
    Field("surf_type", "i1", "1", "Surface Type", "ATL03 ATBD, Section 4", columns=5),
    Field("tx_pulse_energy", "f4", "Joules", "Transmit Pulse Energy", "ATL02 ATBD, Section 7.2", FILL_F4),
    Field(
        "tx_pulse_skew_est",
        "f4",
        "seconds",
        "Transmit Pulse Skew Estimate",
        "ATL02 ATBD, Section 7.2",
        FILL_F4,
    ),
    Field("tx_pulse_width_lower", "f4", "seconds", "Transmit Pulse Energy Lower Width", "ATL02 ATBD", FILL_F4),
    Field("tx_pulse_width_upper", "f4", "seconds", "Transmit Pulse Energy Upper Width", "ATL02 ATBD", FILL_F4),
    Field("velocity_sc", "f4", "meters/second", "spacecraft velocity", "ATL03G ATBD", FILL_F4, columns=3),
    Field("yaw", "f4", "degrees", "Spacecraft yaw", "ATL03G ATBD", FILL_F4),
)

GEOPHYS_CORR: Final[Group] = (
    Field("dac", "f4", "meters", "Dynamic Atmosphere Correction", "ATL03 ATBD, Section 6.3.2", FILL_F4),
    Field("delta_time", "f8", _SECONDS, "Elapsed GPS seconds", "Operations"),
    Field("dem_flag", "i1", "1", "dem source flag", "ATL03 ATBD Section 6.3", 127),
    Field("dem_h", "f4", "meters", "DEM Height", "ATL03 ATBD Section 6.3", FILL_F4),
    Field("geoid", "f4", "meters", "Geoid", "ATL03 ATBD, Section 6.3.8", FILL_F4),
    Field(
        "geoid_free2mean",
        "f4",
        "meters",
        "Geoid Free-to-Mean conversion",
        "ATL03 ATBD, Section 6.3.8",
        FILL_F4,
    ),
    Field("tide_earth", "f4", "meters", "Earth Tide", "ATL03 ATBD, Section 6.3.3", FILL_F4),
    Field("tide_earth_free2mean", "f4", "meters", "Earth Tide Free-to-Mean conversion", "ATL03 ATBD", FILL_F4),
    Field(
        "tide_equilibrium",
        "f4",
        "meters",
        "Long Period Equilibrium Tide",
        "ATL03 ATBD, Section 6.3.1",
        FILL_F4,
    ),
    Field("tide_load", "f4", "meters", "Load Tide", "ATL03 ATBD, Section 6.3.4", FILL_F4),
    Field("tide_oc_pole", "f4", "meters", "Ocean Pole Tide", "ATL03 ATBD, Section 6.3.6", FILL_F4),
    Field("tide_ocean", "f4", "meters", "Ocean Tide", "ATL03 ATBD, Section 6.3.1", FILL_F4),
    Field("tide_pole", "f4", "meters", "Solid Earth Pole Tide", "ATL03 ATBD, Section 6.3.5", FILL_F4),
)

_BACKGROUND = "ATL03 ATBD Section 7.3"

BCKGRD_ATLAS: Final[Group] = (
    Field("bckgrd_counts", "i4", "counts", "ATLAS 50-shot background count", _BACKGROUND),
    Field("bckgrd_counts_reduced", "i4", "counts", "ATLAS 50-shot background count - reduced", _BACKGROUND),
    Field("bckgrd_hist_top", "f4", "meters", "Top of the altimetric range window", _BACKGROUND),
    Field("bckgrd_int_height", "f4", "meters", "Altimetric range window width", _BACKGROUND),
    Field("bckgrd_int_height_reduced", "f4", "meters", "Altimetric range window height - reduced", _BACKGROUND),
    Field(
        "bckgrd_rate",
        "f4",
        "counts / second",
        "Background count rate based on the ATLAS 50-shot sum",
        _BACKGROUND,
    ),
    Field("delta_time", "f8", _SECONDS, "Time at the start of ATLAS 50-shot sum", "ATL02"),
    Field("pce_mframe_cnt", "i8", "counts", "PCE Major frame counter", "ATL02"),
    Field("tlm_height_band1", "f4", "meters", "Height of the telemetry band 1", "ATL03 ATBD, Section 7.3.2"),
    Field("tlm_height_band2", "f4", "meters", "Height of the telemetry band 2", "ATL03 ATBD, Section 7.3.2"),
    Field("tlm_top_band1", "f4", "meters", "Top of the telemetry band 1", "ATL03 ATBD, Section 7.3.2"),
    Field("tlm_top_band2", "f4", "meters", "Top of the telemetry band 2", "ATL03 ATBD, Section 7.3.2"),
)

SIGNAL_PHOTONS: Final[Group] = (
    Field("classed_pc_flag", "i1", "1", "Classification flag for each photon", "ATL08 ATBD"),
    Field("classed_pc_indx", "i4", "1", "Index of the photon within its ATL03 segment", "ATL08 ATBD"),
    Field("d_flag", "i1", "1", "DRAGANN flag", "ATL08 ATBD"),
    Field("delta_time", "f8", _SECONDS, "Elapsed GPS seconds", "Operations"),
    Field("ph_h", "f4", "meters", "Height of the photon above the interpolated ground", "ATL08 ATBD", FILL_F4),
    Field("ph_segment_id", "i4", "1", "ATL03 segment ID", "Retained from ATL03"),
)

LAND_SEGMENTS: Final[Group] = (
    Field("asr", "f4", "1", "Apparent surface reflectance", "ATL09", FILL_F4),
    Field("atlas_pa", "f4", "radians", "Off-nadir pointing angle", "Retained from ATL03", FILL_F4),
    Field("beam_azimuth", "f4", "radians", "Azimuth", "Retained from ATL03", FILL_F4),
    Field("beam_coelev", "f4", "radians", "Elevation", "Retained from ATL03", FILL_F4),
    Field("cloud_flag_atm", "i1", "1", "Cloud flag", "ATL09", 127),
    Field("delta_time", "f8", _SECONDS, "Elapsed GPS seconds", "Operations"),
    Field("delta_time_beg", "f8", _SECONDS, "Time of the first photon", "Derived"),
    Field("delta_time_end", "f8", _SECONDS, "Time of the last photon", "Derived"),
    Field("dem_h", "f4", "meters", "DEM height", "Retained from ATL03", FILL_F4),
    Field("h_dif_ref", "f4", "meters", "Median terrain height minus DEM height", "ATL08 ATBD", FILL_F4),
    Field("last_seg_extend", "f4", "kilometers", "Extension of the last segment", "ATL08 ATBD"),
    Field("latitude", "f4", "degrees_north", "Latitude", "ATL08 ATBD"),
    Field("longitude", "f4", "degrees_east", "Longitude", "ATL08 ATBD"),
    Field("msw_flag", "i1", "1", "Multiple scattering warning flag", "ATL09", 127),
    Field("n_seg_ph", "i4", "counts", "Photons in the segment", "ATL08 ATBD"),
    Field("night_flag", "i4", "1", "Night flag", "ATL08 ATBD", 2147483647),
    Field("ph_ndx_beg", "i8", "counts", "Index of the first photon", "ATL08 ATBD"),
    Field("rgt", "i2", "1", "Reference ground track", "Retained from ATL03"),
    Field("segment_id_beg", "i4", "1", "First ATL03 segment", "ATL08 ATBD"),
    Field("segment_id_end", "i4", "1", "Last ATL03 segment", "ATL08 ATBD"),
    Field("segment_landcover", "i2", "1", "Copernicus land cover", "ANC", 255),
    Field("segment_snowcover", "i1", "1", "Daily snow and ice cover", "ATL09", 127),
    Field("segment_watermask", "i4", "1", "Water mask", "ANC", 255),
    Field("sigma_h", "f4", "meters", "Height uncertainty", "Retained from ATL03", FILL_F4),
    Field("snr", "f4", "1", "Signal to noise ratio", "ATL08 ATBD", FILL_F4),
    Field("solar_azimuth", "f4", "degrees_east", "Solar azimuth", "Retained from ATL03"),
    Field("solar_elevation", "f4", "degrees", "Solar elevation", "Retained from ATL03"),
    Field("terrain_flg", "i4", "1", "Terrain flag", "ATL08 ATBD", 2147483647),
    Field("urban_flag", "i4", "1", "Urban flag", "ANC", 2147483647),
)

TERRAIN: Final[Group] = (
    Field(
        "h_te_best_fit",
        "f4",
        "meters",
        "Best-fit terrain height at the segment's middle",
        "ATL08 ATBD",
        FILL_F4,
    ),
    Field("h_te_max", "f4", "meters", "Highest ground photon", "ATL08 ATBD", FILL_F4),
    Field("h_te_mean", "f4", "meters", "Mean of the ground photons", "ATL08 ATBD", FILL_F4),
    Field("h_te_median", "f4", "meters", "Median of the ground photons", "ATL08 ATBD", FILL_F4),
    Field("h_te_min", "f4", "meters", "Lowest ground photon", "ATL08 ATBD", FILL_F4),
    Field("h_te_std", "f4", "meters", "Standard deviation of the ground photons", "ATL08 ATBD", FILL_F4),
    Field("n_te_photons", "i4", "counts", "Ground photons", "ATL08 ATBD"),
    Field("terrain_slope", "f4", "1", "Along-track slope of the terrain", "ATL08 ATBD", FILL_F4),
)

CANOPY: Final[Group] = (
    Field(
        "canopy_h_metrics",
        "f4",
        "meters",
        "Percentiles of the canopy height",
        "ATL08 ATBD",
        FILL_F4,
        columns=18,
    ),
    Field("canopy_openness", "f4", "meters", "Standard deviation of the canopy photons", "ATL08 ATBD", FILL_F4),
    Field("h_canopy", "f4", "meters", "98 % canopy height over the terrain", "ATL08 ATBD", FILL_F4),
    Field("h_canopy_abs", "f4", "meters", "98 % canopy height over the ellipsoid", "ATL08 ATBD", FILL_F4),
    Field("h_max_canopy", "f4", "meters", "Highest canopy photon over the terrain", "ATL08 ATBD", FILL_F4),
    Field("h_mean_canopy", "f4", "meters", "Mean canopy height over the terrain", "ATL08 ATBD", FILL_F4),
    Field("h_median_canopy", "f4", "meters", "Median canopy height over the terrain", "ATL08 ATBD", FILL_F4),
    Field("h_min_canopy", "f4", "meters", "Lowest canopy photon over the terrain", "ATL08 ATBD", FILL_F4),
    Field("n_ca_photons", "i4", "counts", "Canopy photons", "ATL08 ATBD"),
    Field("n_toc_photons", "i4", "counts", "Top-of-canopy photons", "ATL08 ATBD"),
)

ORBIT_INFO: Final[Group] = (
    Field("crossing_time", "f8", _SECONDS, "Ascending Node Crossing Time", "POD/PPD"),
    Field("cycle_number", "i1", "counts", "Cycle Number", "POD/PPD"),
    Field("lan", "f8", "degrees_east", "Ascending Node Longitude", "POD/PPD"),
    Field("orbit_number", "u2", "1", "Orbit Number", "Operations"),
    Field("rgt", "i2", "counts", "Reference Ground track", "POD/PPD"),
    Field("sc_orient", "i1", "1", "Spacecraft Orientation", "POD/PPD"),
    Field("sc_orient_time", "f8", _SECONDS, "Time of Last Spacecraft Orientation Change", "POD/PPD"),
)

_GPS_EPOCH = "seconds since 1980-01-06T00:00:00.000000Z"

ANCILLARY_DATA: Final[Group] = (
    Field("atlas_sdp_gps_epoch", "f8", _GPS_EPOCH, "ATLAS Epoch Offset", "Operations"),
    Field("control", "S80", "1", "Control File", "Operations"),
    Field("data_end_utc", "S27", "1", "End UTC Time of Granule (CCSDS-A, Actual)", "Derived"),
    Field("data_start_utc", "S27", "1", "Start UTC Time of Granule (CCSDS-A, Actual)", "Derived"),
    Field("end_cycle", "i4", "1", "Ending Cycle", "Derived"),
    Field("end_delta_time", "f8", _SECONDS, "ATLAS End Time (Actual)", "Derived"),
    Field("end_geoseg", "i4", "1", "Ending Geolocation Segment", "Derived"),
    Field("end_gpssow", "f8", "seconds", "Ending GPS SOW of Granule (Actual)", "Derived"),
    Field("end_gpsweek", "i4", "weeks from 1980-01-06", "Ending GPSWeek of Granule (Actual)", "Derived"),
    Field("end_orbit", "i4", "1", "Ending Orbit Number", "Derived"),
    Field("end_region", "i4", "1", "Ending Region", "Derived"),
    Field("end_rgt", "i4", "1", "Ending Reference Groundtrack", "Derived"),
    Field("granule_end_utc", "S27", "1", "End UTC Time of Granule (CCSDS-A, Requested)", "Derived"),
    Field("granule_start_utc", "S27", "1", "Start UTC Time of Granule (CCSDS-A, Requested)", "Derived"),
    Field("release", "S80", "1", "Release Number", "Operations"),
    Field("start_cycle", "i4", "1", "Starting Cycle", "Derived"),
    Field("start_delta_time", "f8", _SECONDS, "ATLAS Start Time (Actual)", "Derived"),
    Field("start_geoseg", "i4", "1", "Starting Geolocation Segment", "Derived"),
    Field("start_gpssow", "f8", "seconds", "Start GPS SOW of Granule (Actual)", "Derived"),
    Field("start_gpsweek", "i4", "weeks from 1980-01-06", "Start GPSWeek of Granule (Actual)", "Derived"),
    Field("start_orbit", "i4", "1", "Starting Orbit Number", "Derived"),
    Field("start_region", "i4", "1", "Starting Region", "Derived"),
    Field("start_rgt", "i4", "1", "Starting Reference Groundtrack", "Derived"),
    Field("version", "S80", "1", "Version", "Operations"),
)

QUALITY_ASSESSMENT: Final[Group] = (
    Field("qa_granule_fail_reason", "i4", "1", "Granule Failure Reason", "Operations"),
    Field("qa_granule_pass_fail", "i4", "1", "Granule Pass Flag", "Operations"),
)

#: Groups of one beam and of the whole granule, for each product.
BEAM_GROUPS: Final = {
    "ATL03": {
        "bckgrd_atlas": BCKGRD_ATLAS,
        "geolocation": GEOLOCATION,
        "geophys_corr": GEOPHYS_CORR,
        "heights": HEIGHTS,
    },
    "ATL08": {
        "land_segments": LAND_SEGMENTS,
        "land_segments/canopy": CANOPY,
        "land_segments/terrain": TERRAIN,
        "signal_photons": SIGNAL_PHOTONS,
    },
}
GRANULE_GROUPS: Final = {
    "ancillary_data": ANCILLARY_DATA,
    "orbit_info": ORBIT_INFO,
    "quality_assessment": QUALITY_ASSESSMENT,
}


def field_dtype(field: Field, release: str) -> np.dtype[np.generic]:
    """Type of a dataset in a release: photon weights grew from 8 to 16 bits in 007."""
    return np.dtype("u2" if field.name == "weight_ph" and release == "007" else field.dtype)
